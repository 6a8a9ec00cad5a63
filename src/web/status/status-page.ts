import { escapeHtml, page } from '../../http/pages/html.js';
import { table } from '../html-table.js';
import { nodesSection } from './nodes-section.js';
import { heldColumns, refusedColumns, relayColumns, type StatusParts } from './status-parts.js';
import { charts, throughputColumns } from './throughput-rows.js';

/** The status page: complete without scripts, which only keep it up to date and draw the charts. */
export function statusPage(domain: string, parts: StatusParts, repositories: string): string {
  const part = (id: string) => parts.get(id) ?? '';
  const rows = (caption: string, columns: readonly string[], rowsId: string) =>
    table({ caption, columns, rowsId, rows: part(rowsId) });
  const body = `<h1>Status of ${escapeHtml(domain)}</h1>
<p>As of <span id="at">${part('at')}</span>; all times are UTC. <span id="live" role="status">Load it again to see what is new.</span></p>
<dl class="figures" id="overview">
${part('overview')}
</dl>
${parts.has('nodes-rows') ? nodesSection(parts) : ''}
<h2>First catch-up</h2>
<div id="catchup">${part('catchup')}</div>
<h2>Throughput</h2>
<div class="charts" id="charts">
${charts.map(figureOf).join('\n')}
</div>
<details>
<summary>In figures</summary>
${rows('What went through', throughputColumns, 'throughput-rows')}
</details>
<h2>Relays</h2>
${rows('Relays that are followed', relayColumns, 'relays-rows')}
<p id="relays-more">${part('relays-more')}</p>
<h2 id="repositories">Repositories</h2>
${repositories}
<h2>Refused events</h2>
${rows('Events refused since the start, by reason', refusedColumns, 'refused-rows')}
<h2>Purgatory</h2>
${rows('Events that wait for their git data, by kind', heldColumns, 'held-rows')}
<p id="held-oldest">${part('held-oldest')}</p>
<h2>Store and disk</h2>
<dl class="figures" id="store">
${part('store')}
</dl>`;
  const head = `
<link rel="stylesheet" href="/assets/uplot.css">
<script src="/assets/uplot.js" defer></script>
<script src="/assets/status.js" type="module"></script>`;
  return page(`Status of ${domain}`, body, { links: [statusLink], head });
}

/** The way to the page. */
export const statusLink = { text: 'Status', url: '/status' } as const;

/** What somebody sees who has not given the token. */
export function tokenPage(): string {
  return page(
    'Status',
    `<h1>Status</h1>
<p>The operator shows it to those who have the token.</p>
<form action="/status" method="get">
<label>Token <input type="password" name="token" maxlength="200" autocomplete="current-password" required></label>
<button type="submit">Show</button>
</form>`,
    { links: [statusLink] },
  );
}

/** Where a chart is drawn: nothing is seen of it until a script does. */
function figureOf({ title, unit, series }: (typeof charts)[number]): string {
  const names = series.map(({ name }) => name).join(' ');
  const labels = series.map(({ label }) => label).join('|');
  return `<figure hidden>
<figcaption>${escapeHtml(title)}</figcaption>
<div class="chart" role="img" aria-label="${escapeHtml(`Chart: ${title}, over the last day`)}" data-unit="${unit}" data-series="${names}" data-labels="${escapeHtml(labels)}"></div>
</figure>`;
}
