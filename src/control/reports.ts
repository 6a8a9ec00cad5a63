/** What the daemon says of itself. Times are ISO 8601. */
export type StatusReport = {
  readonly version: string;
  readonly startedAt: string;
  /** Where it listens, and the name under which announcements list it. */
  readonly address: string;
  readonly domain: string;
  /** Events that are stored, and those that wait for their git data. */
  readonly events: number;
  readonly heldEvents: number;
  readonly relays: RelayCounts;
  readonly firstCatchup: CatchupReport;
  readonly repositories: { readonly served: number; readonly incomplete: number };
  /** What the operator banned, blocked and allowed while the daemon ran. */
  readonly moderation: ModerationCounts;
  /** Whether the disk is full up to the floor, so that nothing is taken in. */
  readonly isDiskLow: boolean;
};

export type ModerationCounts = {
  readonly bannedPubkeys: number;
  readonly bannedEvents: number;
  readonly blockedAddresses: number;
  readonly allowedPubkeys: number;
};

/** Relays that are followed; of them those that are connected, dead, and those of which everything is here. */
export type RelayCounts = {
  readonly tracked: number;
  readonly connected: number;
  readonly dead: number;
  readonly complete: number;
};

/** How far the first catch-up since the start is: events that it brought, of those known to be missing. */
export type CatchupReport = {
  readonly isOver: boolean;
  readonly stored: number;
  readonly expected: number;
  /** As the last seconds went; absent while nothing comes. */
  readonly secondsLeft?: number;
};

/** One relay that is followed. */
export type RelayReport = {
  readonly relay: string;
  readonly connection: string;
  readonly health: string;
  readonly failures: number;
  readonly lastFailure?: string;
  /** When it was connected the last time. */
  readonly lastConnected?: string;
  readonly retryInSeconds?: number;
  /** Filters of open live subscriptions. */
  readonly liveFilters: number;
  /** Repositories and roots that wait for catch-up, and ids that wait to be asked for. */
  readonly queuedTopics: number;
  readonly queuedDownloads: number;
  /** Events that it brought since it is followed, and those of them that live sync should have brought. */
  readonly stored: number;
  readonly gaps: number;
  readonly negentropy: string;
  /** As of then, everything of it is here. */
  readonly completeAsOf?: string;
};

/** One repository that is served. */
export type RepositoryReport = {
  readonly owner: string;
  readonly identifier: string;
  /** Relays that its announcement names, beside this one; and those of them of which all events are here. */
  readonly relays: { readonly named: number; readonly complete: number };
  /** Where git data lacks, or may. */
  readonly lacks?: {
    readonly objects?: number;
    readonly since: string;
    readonly lastTry?: string;
    readonly nextTry?: string;
    readonly why?: string;
  };
};

/** What a reload of the settings came to; options as flags. */
export type ReloadReport =
  | {
      readonly type: 'applied';
      /** Hold from now on. */
      readonly changed: readonly string[];
      /** Differ from what the daemon was started with, and wait for the next start. */
      readonly needRestart: readonly string[];
    }
  | { readonly type: 'refused'; readonly why: string };

/** Whether a relay that was to be caught up with is followed. */
export type SyncReport = { readonly relay: string; readonly isFollowed: boolean };

/** What can be banned: a public key or an event, each 64 hex digits, or an IP address or network (CIDR). */
export type BanTarget = { readonly type: 'pubkey' | 'event' | 'address'; readonly value: string };

/** How far a ban is. The first of a target says that it holds, and for good; further ones how much was taken away since. */
export type BanReport = BanTarget & {
  /** Of its stored events: those that there were, and those that are gone. */
  readonly events: number;
  readonly removed: number;
  readonly isDone: boolean;
};

/** Whether there was a ban to be lifted. */
export type UnbanReport = BanTarget & { readonly wasBanned: boolean };

/** An entry of the lists; `allowed-pubkey` is a key that quotas do not bind. */
export type BanEntry = {
  readonly type: BanTarget['type'] | 'allowed-pubkey';
  readonly value: string;
  readonly since: string;
  readonly reason: string;
};

/** What is to be deleted: all that matches any of the filters; `isBan`: the events must not come back. */
export type DeleteRequest = { readonly filters: readonly unknown[]; readonly isBan: boolean };

/** How many events match what is to be deleted. */
export type DeleteCount = { readonly events: number };

/** How many events are gone by now. */
export type DeleteReport = { readonly removed: number };

/** Something that the doctor found, in a line for the operator. */
export type DoctorReport = {
  readonly line: string;
  readonly isFault: boolean;
  /** What came of its repair, where one was asked for: `repaired`, `forgotten…`, or why it is not. */
  readonly outcome?: string;
  readonly isRepaired?: boolean;
};
