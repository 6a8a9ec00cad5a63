import { limits } from '../config/limits.js';
import { printable } from '../lib/text/printable.js';
import { npubOf } from '../nostr/keys.js';
import type { Finding } from './doctor.js';

/** A finding in a line for the operator. */
export function lineOf(finding: Finding): string {
  const { pubkey, identifier } = finding.repository;
  return printable(
    `${finding.type.padEnd(10)} ${npubOf(pubkey)}/${identifier} ${detailsOf(finding)}`.trimEnd(),
  );
}

function detailsOf(finding: Finding): string {
  switch (finding.type) {
    case 'missing':
    case 'extra':
      return '';
    case 'misaligned': {
      const { changes, head } = finding.misalignment;
      const names = changes.map(({ type, name }) => `${type} ${name}`);
      return listed(head === undefined ? names : [...names, `HEAD to ${head}`]);
    }
    case 'stray':
      return listed([...finding.refs.keys()]);
    case 'waiting':
      return listed(finding.refs);
    case 'unset':
      return listed(finding.settings);
    case 'unreadable':
      return finding.reason;
    case 'shut':
      return `${sinceWhen(finding.sinceMs)}, though it is served`;
    case 'closed':
      return sinceWhen(finding.sinceMs);
  }
}

/** A mark that cannot be read, or was tampered with, may name a time that no date has. */
function sinceWhen(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'since a time that cannot be read' : `since ${date.toISOString()}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - limits.doctorNamesMax;
  const first = names.slice(0, limits.doctorNamesMax).join(', ');
  return more > 0 ? `${first} and ${more} more` : first;
}
