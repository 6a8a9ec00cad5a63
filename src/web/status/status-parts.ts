import { limits } from '../../config/limits.js';
import type { RelayReport } from '../../control/reports.js';
import { secondMs } from '../../lib/clock.js';
import { type Cell, tableRows, termList } from '../html-table.js';
import { nodesParts } from './nodes-section.js';
import type { FullStatusReport, ThroughputReport } from './status-report.js';
import { throughputRows } from './throughput-rows.js';
import { bytes, duration, figure, shortened, time, timeToSecond } from './words.js';

/** What of the page changes by itself: HTML by the id of the element that has it. */
export type StatusParts = ReadonlyMap<string, string>;

export const relayColumns = ['Relay', 'Connection', 'Complete as of', 'Asked', 'Brought', 'Gaps', 'Trouble'];
export const refusedColumns = ['Reason', 'Events'];
export const heldColumns = ['Kind', 'Events'];

/** Everything of the page that changes by itself, escaped. */
export function statusParts(report: FullStatusReport): StatusParts {
  return new Map([
    ['at', timeToSecond(report.at)],
    ['overview', overview(report)],
    ...(report.nodes === undefined ? [] : nodesParts(report.nodes, report.at)),
    ['catchup', catchup(report)],
    ['relays-rows', relayRows(report)],
    ['relays-more', more(report.relays.total - report.relays.shown.length, 'relays')],
    ['refused-rows', refusedRows(report)],
    ['held-rows', heldRows(report)],
    ['held-oldest', oldestHeld(report)],
    ['store', store(report)],
    ['throughput-rows', throughputRows(report.throughput satisfies ThroughputReport)],
  ]);
}

function overview({ status, store: { events } }: FullStatusReport): string {
  const { relays, repositories, heldEvents, isDiskLow, version, startedAt } = status;
  const disk: Cell = isDiskLow
    ? { html: '<strong class="bad">full: nothing is taken in</strong>' }
    : { html: '<span class="good">has room</span>' };
  const lacking =
    repositories.incomplete === 0 ? 'all complete' : `${figure(repositories.incomplete)} lack git data`;
  return termList([
    ['Events', `${figure(events)} stored, ${figure(heldEvents)} wait`],
    ['Repositories', `${figure(repositories.served)}, ${lacking}`],
    [
      'Relays',
      `${figure(relays.connected)} of ${figure(relays.tracked)} connected, ${figure(relays.complete)} complete, ${figure(relays.dead)} dead`,
    ],
    ['Disk', disk],
    ['Runs', { html: `graspd ${version}, since ${time(startedAt)}` }],
  ]);
}

function catchup({ status: { firstCatchup, relays } }: FullStatusReport): string {
  const { isOver, stored, expected, secondsLeft } = firstCatchup;
  if (isOver) return '<p><span class="good">Caught up</span> with all relays that answer.</p>';
  if (relays.tracked === 0) return '<p>No relay is followed.</p>';
  const complete = `${figure(relays.complete)} of ${figure(relays.tracked)} relays complete`;
  if (expected === 0) return `<p>${bar(relays.complete, relays.tracked)}</p>\n<p>${complete}</p>`;
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`;
  const words = `${figure(stored)} of ${figure(expected)} events that are known to be missing${left}; ${complete}`;
  return `<p>${bar(stored, expected)}</p>\n<p>${words}</p>`;
}

function bar(value: number, max: number): string {
  return `<progress aria-label="Catch-up" max="${max}" value="${value}"></progress>`;
}

function relayRows({ at, relays }: FullStatusReport): string {
  const rows = relays.shown.map((relay) => relayRow(relay, Date.parse(at)));
  return tableRows(rows, relayColumns.length, 'No relay is followed.');
}

function relayRow(relay: RelayReport, atMs: number): Cell[] {
  const { connection, health, completeAsOf, lastConnected, stored, gaps, negentropy } = relay;
  const { liveFilters, queuedTopics, queuedDownloads } = relay;
  const isConnected = connection === 'connected' || connection === 'updating';
  const kind = isConnected ? 'good' : health === 'dead' ? 'bad' : 'fair';
  const since =
    lastConnected === undefined ? '' : `, ${isConnected ? 'since' : 'last'} ${time(lastConnected)}`;
  const state = isConnected ? 'connected' : health === 'dead' ? 'dead' : connection;
  const waiting = [
    ...(queuedTopics === 0 ? [] : [`${figure(queuedTopics)} topics wait`]),
    ...(queuedDownloads === 0 ? [] : [`${figure(queuedDownloads)} events wait`]),
  ];
  const means = { untried: '', works: 'by NIP-77', unable: 'in pages' }[negentropy] ?? '';
  const asked = [`${figure(liveFilters)} live filters`, ...(means === '' ? [] : [means]), ...waiting];
  return [
    shortened(relay.relay, limits.pageLineCharsMax),
    { html: `<span class="${kind}">${state}</span>${since}` },
    completeAsOf === undefined ? 'not yet' : { html: time(completeAsOf) },
    asked.join(', '),
    figure(stored),
    figure(gaps),
    { html: trouble(relay, atMs) },
  ];
}

function trouble({ failures, lastFailure, retryInSeconds }: RelayReport, atMs: number): string {
  if (failures === 0) return '';
  const words = `${figure(failures)} × ${lastFailure ?? 'unknown'}`;
  if (retryInSeconds === undefined) return words;
  return `${words}, again ${time(new Date(atMs + retryInSeconds * secondMs).toISOString())}`;
}

function more(count: number, noun: string): string {
  return count <= 0 ? '' : `And ${figure(count)} more ${noun}: <code>graspd ${noun}</code> lists all.`;
}

function refusedRows({ refused }: FullStatusReport): string {
  const rows = refused.map(({ reason, count }) => [reason, figure(count)]);
  return tableRows(rows, refusedColumns.length, 'No event was refused since the start.');
}

const kindNames: Readonly<Record<string, string>> = {
  30617: 'announcements (30617)',
  30618: 'states (30618)',
  1618: 'pull requests (1618)',
  1619: 'updates of pull requests (1619)',
};

function heldRows({ held: { kinds } }: FullStatusReport): string {
  const rows = kinds.map(({ kind, count }) => [kindNames[kind] ?? kind, figure(count)]);
  return tableRows(rows, heldColumns.length, 'No event waits for its git data.');
}

function oldestHeld({ held: { oldest } }: FullStatusReport): string {
  return oldest === undefined ? '' : `The oldest has waited since ${time(oldest)}.`;
}

function store({ store: all }: FullStatusReport): string {
  const { freeBytes, floorBytes, repositoriesBytes, repositoriesBytesMax } = all;
  const share = `<progress aria-label="Git data, of its limit" max="${repositoriesBytesMax}" value="${repositoriesBytes}"></progress>`;
  const free = freeBytes === undefined ? 'cannot be told' : bytes(freeBytes);
  return termList([
    ['Free disk', `${free}; nothing is taken in below ${bytes(floorBytes)}`],
    [
      'Git data',
      { html: `${bytes(repositoriesBytes)} of ${bytes(repositoriesBytesMax)} that it may take ${share}` },
    ],
    ['Stored events', figure(all.events)],
    ['Events that wait to be written', figure(all.pendingEvents)],
    ['Index in memory', bytes(all.indexBytes)],
    ['Refused ids remembered', figure(all.refusedIds)],
  ]);
}
