/** Labels of a series, by name. */
export type Labels = Readonly<Record<string, string>>;

/** Where the values of an alias come from. */
export type AliasSource = {
  readonly metric: string;
  /** The labels of the alias for those of a series, or nothing where the series does not count; without it there are none. */
  readonly labels?: (labels: Labels) => Labels | undefined;
  /** The value of the alias for that of a series, at a time in Unix seconds; the same when absent. */
  readonly value?: (value: number, nowSeconds: number) => number;
};

/** A second name for what other metrics say already. */
export type MetricAlias = {
  readonly name: string;
  /** `untyped` where the name is against the rules for names of its type, which is not ours to choose. */
  readonly type: 'counter' | 'gauge' | 'untyped';
  readonly help: string;
  /** How it is made, for who reads the documentation. */
  readonly sameAs: string;
  readonly labelNames: readonly string[];
  /** Those that come to the same labels are summed. */
  readonly sources: readonly AliasSource[];
};

const requestTypes: Labels = { req: 'REQ', count: 'COUNT', negentropy: 'NEG-OPEN' };
const operations: Labels = { 'git-upload-pack': 'clone', 'git-receive-pack': 'push' };
const failedOutcomes: ReadonlySet<string | undefined> = new Set([
  'refused',
  'rate_limited',
  'invalid',
  'failed',
]);

/** Names of metrics of ngit-grasp, which its dashboard asks for, that have a counterpart here. */
export const graspAliases: readonly MetricAlias[] = [
  {
    name: 'ngit_websocket_connections_active',
    type: 'gauge',
    help: 'Open client connections',
    sameAs: '`ngit_relay_connections`',
    labelNames: [],
    sources: [{ metric: 'ngit_relay_connections' }],
  },
  {
    name: 'ngit_websocket_messages_received_total',
    type: 'counter',
    help: 'Requests and events of clients, by type of message',
    sameAs: '`ngit_relay_requests_total` by type, and all of `ngit_relay_events_total` as type EVENT',
    labelNames: ['type'],
    sources: [
      {
        metric: 'ngit_relay_requests_total',
        labels: ({ type = '' }) => ({ type: requestTypes[type] ?? type }),
      },
      { metric: 'ngit_relay_events_total', labels: () => ({ type: 'EVENT' }) },
    ],
  },
  {
    name: 'ngit_events_received_total',
    type: 'counter',
    help: 'Events that clients published',
    sameAs: 'all of `ngit_relay_events_total`, not told apart by kind',
    labelNames: [],
    sources: [{ metric: 'ngit_relay_events_total' }],
  },
  {
    name: 'ngit_events_stored_total',
    type: 'counter',
    help: 'Events that clients published and that were stored',
    sameAs: '`ngit_relay_events_total{outcome="stored"}`, not told apart by kind',
    labelNames: [],
    sources: [
      {
        metric: 'ngit_relay_events_total',
        labels: ({ outcome }) => (outcome === 'stored' ? {} : undefined),
      },
    ],
  },
  {
    name: 'ngit_events_rejected_total',
    type: 'counter',
    help: 'Events that clients published and that were refused, by reason',
    sameAs: '`ngit_relay_events_total` with the outcomes refused, rate_limited, invalid and failed as reason',
    labelNames: ['reason'],
    sources: [
      {
        metric: 'ngit_relay_events_total',
        labels: ({ outcome = '' }) => (failedOutcomes.has(outcome) ? { reason: outcome } : undefined),
      },
    ],
  },
  {
    name: 'ngit_git_operations_total',
    type: 'counter',
    help: 'Git requests for objects, by operation and status',
    sameAs:
      '`ngit_git_requests_total{step="exchange"}`; operation clone is git-upload-pack (fetches too), push is git-receive-pack; status success is the outcome ok, error any other',
    labelNames: ['operation', 'status'],
    sources: [
      {
        metric: 'ngit_git_requests_total',
        labels: ({ service = '', step, outcome }) =>
          step === 'exchange'
            ? { operation: operations[service] ?? service, status: outcome === 'ok' ? 'success' : 'error' }
            : undefined,
      },
    ],
  },
  {
    name: 'ngit_git_bytes_total',
    type: 'counter',
    help: 'Bytes of git over HTTP, by direction',
    sameAs: '`ngit_git_received_bytes_total` as in, `ngit_git_sent_bytes_total` as out',
    labelNames: ['direction'],
    sources: [
      { metric: 'ngit_git_received_bytes_total', labels: () => ({ direction: 'in' }) },
      { metric: 'ngit_git_sent_bytes_total', labels: () => ({ direction: 'out' }) },
    ],
  },
  {
    name: 'ngit_git_push_authorization_total',
    type: 'counter',
    help: 'Pushes by result: allowed, or denied for one ref at least',
    sameAs: '`ngit_git_pushes_total` with the verdict accepted as allowed, partly and refused as denied',
    labelNames: ['result'],
    sources: [
      {
        metric: 'ngit_git_pushes_total',
        labels: ({ verdict }) => ({ result: verdict === 'accepted' ? 'allowed' : 'denied' }),
      },
    ],
  },
  {
    name: 'ngit_repositories_total',
    type: 'untyped',
    help: 'Repositories on disk',
    sameAs: '`ngit_git_repositories`',
    labelNames: [],
    sources: [{ metric: 'ngit_git_repositories' }],
  },
  {
    name: 'ngit_uptime_seconds',
    type: 'untyped',
    help: 'Seconds since the start',
    sameAs: 'the time of the scrape without `process_start_time_seconds`',
    labelNames: [],
    sources: [{ metric: 'process_start_time_seconds', value: (start, now) => Math.max(0, now - start) }],
  },
  {
    name: 'ngit_sync_events_synced_total',
    type: 'counter',
    help: 'Newly stored events that came from other relays',
    sameAs: '`ngit_sync_events_total` of every source but direct and import',
    labelNames: [],
    sources: [
      {
        metric: 'ngit_sync_events_total',
        labels: ({ source }) => (source === 'direct' || source === 'import' ? undefined : {}),
      },
    ],
  },
];
