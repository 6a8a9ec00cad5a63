import type { RelayReport, RepositoryReport, StatusReport } from '../../control/reports.js';
import type { ReasonCount } from '../../store/refused/reason-counts.js';

/** Events that wait for their git data. */
export type HeldReport = {
  /** By kind, as a number or `other`. */
  readonly kinds: readonly { readonly kind: string; readonly count: number }[];
  /** Since when the one that has waited longest does. */
  readonly oldest?: string;
};

/** What is on the disks; bytes, unless said otherwise. */
export type StoreReport = {
  readonly events: number;
  /** Ids of refused events that are remembered. */
  readonly refusedIds: number;
  readonly pendingEvents: number;
  readonly indexBytes: number;
  readonly repositoriesBytes: number;
  readonly repositoriesBytesMax: number;
  /** Of the disk that has the least; absent where that cannot be told. */
  readonly freeBytes?: number;
  readonly floorBytes: number;
};

/** What went through in each minute of the last day; the last value is of the minute that runs. */
export type ThroughputReport = {
  readonly stepSeconds: number;
  /** When the running minute began, in seconds since 1970. */
  readonly end: number;
  readonly series: readonly { readonly name: ThroughputName; readonly values: readonly number[] }[];
};

/** What the series are of: events stored, events sent, and bytes. */
export const throughputNames = [
  'published',
  'live',
  'catchup',
  'delivered',
  'clientsIn',
  'clientsOut',
  'gitSent',
  'gitPushed',
  'gitFetched',
] as const;
export type ThroughputName = (typeof throughputNames)[number];

/** How the daemon is, as the status page has it, but for the repositories. */
export type FullStatusReport = {
  readonly at: string;
  readonly status: StatusReport;
  /** The connected ones first. */
  readonly relays: { readonly total: number; readonly shown: readonly RelayReport[] };
  /** Since the start, the most frequent reason first. */
  readonly refused: readonly ReasonCount[];
  readonly held: HeldReport;
  readonly store: StoreReport;
  readonly throughput: ThroughputReport;
};

/** One page of the repositories. */
export type RepositoriesReport = {
  readonly total: number;
  readonly page: number;
  readonly pages: number;
  readonly shown: readonly (RepositoryReport & { readonly name: string; readonly updated: string })[];
};

/** From where the page knows how the daemon is. */
export type StatusSource = {
  report(): Promise<FullStatusReport>;
  repository(repository: { readonly pubkey: string; readonly identifier: string }): RepositoryReport;
};
