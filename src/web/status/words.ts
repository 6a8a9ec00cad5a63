import { escapeHtml } from '../../http/pages/html.js';

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** As `1.2 GB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} ${byteUnits[unit]}`;
}

/** As `12,345`. */
export function figure(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** As `about 3 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return 'less than a minute';
  if (seconds < 7200) return `about ${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `about ${Math.round(seconds / 3600)} h`;
  return `about ${Math.round(seconds / 86_400)} days`;
}

/** A time of a report (ISO 8601) as HTML, to the minute. */
export function time(iso: string): string {
  return `<time datetime="${escapeHtml(iso)}">${escapeHtml(iso.slice(0, 16).replace('T', ' '))}</time>`;
}

/** The same to the second. */
export function timeToSecond(iso: string): string {
  return `<time datetime="${escapeHtml(iso)}">${escapeHtml(iso.slice(0, 19).replace('T', ' '))}</time>`;
}

/** The beginning of a text of a stranger. */
export function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}
