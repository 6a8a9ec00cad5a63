import { escapeHtml } from '../../http/pages/html.js';
import { type Cell, table, tableRows } from '../html-table.js';
import type { StatusParts } from './status-parts.js';
import type { FollowerReport, NodesReport } from './status-report.js';
import { figure, time, timeToSecond } from './words.js';

/** Said of the one whose report it is. */
const madeThis = ', and made this page';

const columns = ['Node', 'Task', 'Connected', 'Behind'];

/** What the page says of the graspd on one database, by the ids of its parts. `at`: when the report was made. */
export function nodesParts(
  { role, writer, followers }: NodesReport,
  at: string,
): [id: string, html: string][] {
  const { holder, url = holder } = writer;
  const rows = [
    [url, role === 'writer' ? `writes${madeThis}` : 'writes', '', ''],
    ...followers.map((follower) => followerRow(follower, role === 'follower')),
  ];
  return [
    ['nodes-rows', tableRows(rows, columns.length, '')],
    ['nodes-lease', leaseLine(writer, at)],
  ];
}

/** The section of a page that has these parts. */
export function nodesSection(parts: StatusParts): string {
  return `<h2>Nodes</h2>
${table({ caption: 'graspd on one database', columns, rowsId: 'nodes-rows', rows: parts.get('nodes-rows') ?? '' })}
<p id="nodes-lease">${parts.get('nodes-lease') ?? ''}</p>`;
}

function followerRow({ url, connected, behind }: FollowerReport, isOwn: boolean): Cell[] {
  return [
    url ?? 'one that does not say where it is reached',
    isOwn ? `follows${madeThis}` : 'follows',
    { html: connected === undefined ? '<span class="bad">no</span>' : `since ${time(connected)}` },
    { html: behindHtml(behind) },
  ];
}

function behindHtml({ events, seconds }: FollowerReport['behind']): string {
  if (events === 0) return '<span class="good">has all</span>';
  return `<span class="fair">up to ${figure(events)} events, for ${seconds.toFixed(1)} s</span>`;
}

function leaseLine({ holder, until }: NodesReport['writer'], at: string): string {
  const lease = 'The lease, which is the right to write,';
  const of = `of ${escapeHtml(holder)}`;
  return Date.parse(until) < Date.parse(at)
    ? `${lease} ${of} <span class="bad">ran out at ${timeToSecond(until)}</span>: another may take it over.`
    : `${lease} is that ${of} until ${timeToSecond(until)}, and is renewed all the time.`;
}
