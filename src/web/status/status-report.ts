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

/** The graspd on one database. Times are ISO 8601. */
export type NodesReport = {
  /** What the one does that made the report. */
  readonly role: 'writer' | 'follower';
  /** The one that may write, and until when, unless that is prolonged. */
  readonly writer: {
    /** Where others reach it; absent where nobody may follow it. */
    readonly url?: string;
    /** A host and a process. */
    readonly holder: string;
    readonly until: string;
  };
  /** Those that are connected to the one that writes; in a report of one that follows, itself. */
  readonly followers: readonly FollowerReport[];
};

/** A graspd that follows the one that writes. */
export type FollowerReport = {
  readonly url?: string;
  /** Since when it is connected; absent where it is not. */
  readonly connected?: string;
  /** How much was written that it has not said to serve yet, and for how long that has been so. */
  readonly behind: { readonly events: number; readonly seconds: number };
};

/** What one that follows says of itself. */
export type NodeStatusReport = { readonly at: string; readonly nodes: NodesReport };

/** How the daemon is, as the status page has it, but for the repositories. */
export type FullStatusReport = {
  readonly at: string;
  readonly status: StatusReport;
  /** Absent where nobody else can write to the database. */
  readonly nodes?: NodesReport;
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
