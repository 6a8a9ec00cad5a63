import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import { addressTextOf, formatAddress, supersedes } from '../nostr/address.js';
import { deletionTargets, isDeletion } from '../nostr/deletion.js';
import type { NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { repositoriesOf, repositoryAddress } from '../nostr/repository.js';
import type { AskedKeys } from '../repositories/maintainers/maintainer-group.js';
import { isPullRequest } from '../repositories/pull-request.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { Journal } from '../store/journal.js';
import { AwaitedPullRequests } from './awaited-pull-requests.js';
import { HeldCounts, type HeldSettings, partOfAmount } from './held-counts.js';
import type { HeldEvent, ReleaseCause } from './held-event.js';
import { HeldIndex } from './held-index.js';
import type { HeldSet } from './held-sets.js';
import type { HeldState } from './held-states.js';
import { LapsedAnnouncements } from './lapsed-announcements.js';
import type { PurgatoryMetrics } from './purgatory-metrics.js';
import { journalEntryOf, journalNameOf, type LapsedAnnouncement, recordIn } from './records.js';

export type PurgatoryParts = {
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly settings: HeldSettings;
  readonly metrics: PurgatoryMetrics;
  /** Told of each event at once, before anybody else can ask: it has a say from now on, or no longer. */
  readonly listener: HoldingListener;
};

export type HoldingListener = { onHeld(event: NostrEvent): void; onReleased(event: NostrEvent): void };

/** Where an event came from, and the held events that it cannot be stored without. */
export type HoldingTerms = Pick<HeldEvent, 'addressGroup' | 'parents'>;

/** What became of an event that was to be held. `written` settles when it is journaled: only then may it be acknowledged. */
export type Holding = { readonly written: Promise<void> } | { readonly refusal: string };

/**
 * The events that were acknowledged and wait for their git data (GRASP-01), for half an hour: in memory, and in a journal
 * in the database of events, as durable as those. Time during which the daemon was down counts.
 */
export class Purgatory {
  readonly awaited: AwaitedPullRequests;
  readonly #parts: PurgatoryParts;
  readonly #index = new HeldIndex();
  readonly #counts: HeldCounts;
  readonly #lapsed: LapsedAnnouncements;

  constructor(parts: PurgatoryParts) {
    this.#parts = parts;
    this.#counts = new HeldCounts(parts.settings);
    this.#lapsed = new LapsedAnnouncements(parts.journal);
    this.awaited = new AwaitedPullRequests(parts.journal, parts.clock);
    parts.metrics.watch({
      all: () => this.#index.all(),
      bytes: () => this.#counts.bytes,
      fullness: () => this.#counts.fullness,
      awaited: () => this.awaited.size,
      nowMs: () => parts.clock.now(),
    });
  }

  /**
   * Takes in what the journal has, also what expired meanwhile: the next sweep takes that. Each event is taken to wait for git
   * data until it is known what it hangs on (`hangOn`).
   */
  async load(): Promise<void> {
    const held: HeldEvent[] = [];
    for await (const entry of this.#parts.journal.entries()) {
      const record = recordIn(entry);
      if (record?.type === 'held') held.push({ ...record.value, parents: [] });
      else if (record?.type === 'lapsed') this.#lapsed.enter(record.value);
      else if (record?.type === 'awaited') this.awaited.enter(record.value);
    }
    for (const each of held.sort((a, b) => a.deadlineMs - b.deadlineMs)) this.#enter(each);
  }

  has(id: string): boolean {
    return this.#index.get(id) !== undefined;
  }

  get(id: string): HeldEvent | undefined {
    return this.#index.get(id);
  }

  /** All held events. */
  all(): IterableIterator<HeldEvent> {
    return this.#index.all();
  }

  announcementOf({ pubkey, identifier }: RepositoryId): HeldEvent | undefined {
    return this.#index.at(repositoryAddress(pubkey, identifier));
  }

  /** The states of an identifier by authors that are picked of all who have one, newest first. */
  statesBy(identifier: string, pick: (authors: AskedKeys) => Iterable<string>): readonly HeldState[] {
    return this.#index.statesBy(identifier, pick);
  }

  pullRequest(id: string): HeldEvent | undefined {
    const held = this.#index.get(id);
    return held !== undefined && isPullRequest(held.event) ? held : undefined;
  }

  /** The pull requests, and updates of such, whose `a` tags name a repository. */
  pullRequestsOf({ pubkey, identifier }: RepositoryId): readonly HeldEvent[] {
    const naming = this.#index.referringTo(repositoryAddress(pubkey, identifier));
    return naming.filter(
      ({ event }) =>
        isPullRequest(event) &&
        repositoriesOf(event).some((named) => named.pubkey === pubkey && named.identifier === identifier),
    );
  }

  /** The pull requests, and updates of such, that a key signed, whatever they name. */
  pullRequestsBy(pubkey: string): HeldEvent[] {
    return [...this.#index.all()].filter(({ event }) => event.pubkey === pubkey && isPullRequest(event));
  }

  /** The ids of the held events that an event refers to, or that refer to it. */
  relativesOf(event: NostrEvent): readonly string[] {
    return this.#index.relativesOf(event);
  }

  /** The ids of some held events; these may come and go while they are gone through. */
  idsIn(events: HeldSet): Iterable<string> {
    return this.#index.idsIn(events);
  }

  /** What held events another one may concern: those that hang on it or name it, and those that it names and that hang on some. */
  concernedBy(event: NostrEvent): readonly HeldSet[] {
    return this.#index.concernedBy(event);
  }

  /** The held version that an event would replace, or be replaced by. */
  versionOf(event: NostrEvent): HeldEvent | undefined {
    const version = this.#index.atAddressOf(event);
    return version?.event.id === event.id ? undefined : version;
  }

  /** The held events that a deletion request takes: those of its author (NIP-09). */
  deletedBy(request: NostrEvent): readonly HeldEvent[] {
    if (!isDeletion(request)) return [];
    const { ids, addresses } = deletionTargets(request);
    const byId = ids.flatMap((id) => this.#index.get(id) ?? []);
    const byAddress = addresses.flatMap((address) => this.#index.at(formatAddress(address)) ?? []);
    return [
      ...byId.filter(({ event }) => event.pubkey === request.pubkey),
      ...byAddress.filter(
        ({ event }) => event.created_at <= request.created_at && !byId.some((held) => held.event === event),
      ),
    ];
  }

  /**
   * What has to go before an event can be held, where too much is held in all: of the address that has the most, if that is more
   * than what this one comes from then has; those whose time is over first. None, where nobody has to give way.
   */
  givingWayTo(event: NostrEvent, { addressGroup }: Pick<HoldingTerms, 'addressGroup'>): HeldEvent[] {
    const replaced = this.#index.get(event.id) ?? this.versionOf(event);
    const giving = this.#counts.giving({ event, addressGroup }, replaced);
    if (giving === undefined) return [];
    const going: HeldEvent[] = [];
    let amount = 0;
    for (const held of this.#index.ofAddress(giving.addressGroup)) {
      if (amount >= giving.amount) break;
      const given = held === replaced ? 0 : partOfAmount(held.event, giving.of);
      amount += given;
      if (given > 0) going.push(held);
    }
    return going;
  }

  /**
   * Holds an event, in memory at once; it takes the place of an older version, and must not be older than a held one. Refuses
   * it where too much is held. An event that is held already is held on new terms, and as long as before.
   */
  hold(event: NostrEvent, { addressGroup, parents }: HoldingTerms): Holding {
    const nowMs = this.#parts.clock.now();
    const known = this.#index.get(event.id);
    const version = this.versionOf(event);
    if (version !== undefined && supersedes(version.event, event))
      throw new RangeError('a newer version is held');
    const refusal = this.#counts.refusal({ event, addressGroup }, known ?? version);
    if (refusal !== undefined) {
      this.#parts.metrics.countRefusal(refusal.scope);
      return { refusal: refusal.reason };
    }
    if (version !== undefined) void this.release(version.event.id, 'replaced').catch(() => {});
    const lapsed = this.#lapsed.forget(addressTextOf(event) ?? '');
    const times = known ?? { heldAtMs: nowMs, deadlineMs: nowMs + limits.heldMsMax };
    const held = { ...times, event, addressGroup, parents };
    this.#enter(held);
    return { written: Promise.all([lapsed, this.#write(held)]).then(() => {}) };
  }

  /** Has a held event hang on others than before, in memory only; whether those are others. */
  hangOn(id: string, parents: readonly string[]): boolean {
    return this.#index.hangOn(id, parents);
  }

  /** Has an event that hangs on a version, and names its address, hang on the one that stands there now; whether it does. */
  passOn(id: string, version: string, address: string): boolean {
    return this.#index.passOn(id, version, address);
  }

  /** The announcement of a repository whose holding ran out within a day: its author may come back. */
  lapsedAnnouncementOf({ pubkey, identifier }: RepositoryId): LapsedAnnouncement | undefined {
    return this.#lapsed.at(repositoryAddress(pubkey, identifier));
  }

  /** Begins its time anew, because something came that is waited for; settles when that is journaled. */
  async renew(id: string): Promise<void> {
    const held = this.#index.get(id);
    const deadlineMs = this.#parts.clock.now() + limits.heldMsMax;
    // Whoever asks for it again and again does not make us write each time.
    if (held === undefined || deadlineMs - held.deadlineMs < limits.heldRenewalMsMin) return;
    const renewed = { ...held, deadlineMs };
    this.#index.renew(renewed);
    await this.#write(renewed);
  }

  /** The same of several, in slices of turns: they are written with all that they say. */
  async renewAll(ids: readonly string[], turns: Pick<WorkTurns, 'isOver' | 'next'>): Promise<void> {
    const renewals: Promise<void>[] = [];
    for (const id of ids) {
      if (turns.isOver) await turns.next();
      const renewal = this.renew(id);
      // Whoever waits is told at the end.
      renewal.catch(() => {});
      renewals.push(renewal);
    }
    await Promise.all(renewals);
  }

  /** Ends the holding of an event, at once in memory; settles when that is journaled. */
  async release(id: string, cause: ReleaseCause): Promise<void> {
    const held = this.#index.get(id);
    if (held === undefined) return;
    const { event, addressGroup } = held;
    this.#index.delete(id);
    this.#counts.remove(held);
    this.#parts.metrics.countRelease(cause);
    this.#parts.listener.onReleased(event);
    const written = [this.#parts.journal.delete(journalNameOf({ type: 'held', value: held }))];
    if (cause === 'expired' && event.kind === kinds.repositoryAnnouncement) {
      const deadlineMs = held.deadlineMs + limits.lapsedAnnouncementMsMax;
      if (deadlineMs > this.#parts.clock.now())
        written.push(this.#lapsed.add({ event, addressGroup, deadlineMs }));
    }
    await Promise.all(written);
  }

  /** Those whose time is over. What hangs on held events has the time of those, down to what waits for git data. */
  due(): HeldEvent[] {
    const nowMs = this.#parts.clock.now();
    const over: HeldEvent[] = [];
    const kept = new Set<string>();
    for (const held of this.#index.all()) {
      if (held.deadlineMs <= nowMs) over.push(held);
      else if (held.parents.length === 0) kept.add(held.event.id);
    }
    if (over.length === 0) return over;
    // A set is walked to its end, also where that moves.
    for (const id of kept)
      for (const child of this.#index.idsIn({ type: 'hanging-on', name: id })) kept.add(child);
    return over.filter(({ event }) => !kept.has(event.id));
  }

  /** Forgets announcements that nobody came back for; settles when that is journaled. */
  async sweepLapsed(): Promise<void> {
    await this.#lapsed.sweep(this.#parts.clock.now());
  }

  #enter(held: HeldEvent): void {
    const known = this.#index.get(held.event.id);
    if (known !== undefined) this.#counts.remove(known);
    this.#index.set(held);
    this.#counts.add(held);
    if (known === undefined) this.#parts.listener.onHeld(held.event);
  }

  #write({ event, addressGroup, heldAtMs, deadlineMs }: HeldEvent): Promise<void> {
    const record = { event, addressGroup, heldAtMs, deadlineMs };
    const { name, value } = journalEntryOf({ type: 'held', value: record });
    return this.#parts.journal.put(name, value);
  }
}
