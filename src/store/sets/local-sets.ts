import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { KernelMemoryError } from '../../kernels/errors.js';
import { type FilterMatcher, type Kernels, type LiveSet, recordBytes } from '../../kernels/kernels.js';
import { fromHex } from '../../lib/bytes.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore, RemovedEvent } from '../event-store.js';
import { filterKey } from '../filter-key.js';
import { type LocalSet, SharedSet, withinTimes } from './local-set.js';
import { SetChanges } from './set-changes.js';
import { type MadeSet, SetMaking } from './set-making.js';

/** What a set in the making, or one that stands, has to follow. */
type Followed = { readonly filter: Filter; handle: number | undefined };
type Building = Followed & { readonly changes: SetChanges };
type LiveEntry = Followed & { readonly shared: SharedSet<LiveSet> };
/** What is to be made. */
type SetTask = { readonly key: string; readonly filter: Filter; readonly recordsMax: number };
/** The latest making of a filter's set, and how many records that may have. */
type MakingEntry = { readonly making: SetMaking; readonly recordsMax: number };

/** A filter without its time range. */
function timeless({ since: _, until: __, ...filter }: Filter): Filter {
  return filter;
}

/** A filter that matches every stored event. */
const everything = filterKey({});

/**
 * The local sets of reconciliation (NIP-77). A filter that is asked for again gets a set that stands: it follows the
 * store by itself, so that the next reconciliation starts at once, of any stretch of time of it too. Live sets are
 * bounded in number and memory; the one that was used least recently gives way.
 *
 * A set is made in turns of the event loop, between which the store may change; what changed is made up for at the
 * end. Who asks for one that is being made waits for it, and it goes on in the turns of all who do. A set that stands changes while it is read: whoever reads it over several messages sees each time what is
 * stored then.
 */
export class LocalSets {
  readonly #store: Pick<EventStore, 'size' | 'collect' | 'collectInTurns'>;
  readonly #kernels: Kernels;
  readonly #matcher: FilterMatcher;
  /** By filter; the least recently used first. */
  readonly #live = new Map<string, LiveEntry>();
  readonly #building = new Set<Building>();
  /** By filter: whoever asks for the same meanwhile gets the set too. */
  readonly #makings = new Map<string, MakingEntry>();
  readonly #turns: WorkTurns;
  /** What was given out of those that stand. */
  readonly #leases = new WeakSet<LocalSet>();
  /** Filters that were asked for once, the oldest first. */
  readonly #askedOnce = new Set<string>();

  /** `turns`: those of whoever asks and has none. */
  constructor(
    store: Pick<EventStore, 'size' | 'collect' | 'collectInTurns' | 'observe'>,
    kernels: Kernels,
    turns: WorkTurns,
  ) {
    this.#store = store;
    this.#kernels = kernels;
    this.#turns = turns;
    this.#matcher = kernels.createFilterMatcher();
    store.observe({ added: (event) => this.#add(event), removed: (event) => this.#remove(event) });
  }

  /** Whether a set that was opened stands, so that it is shared by all who read it. */
  isStanding(set: LocalSet): boolean {
    return this.#leases.has(set);
  }

  /** About what a set holds from turn to turn while it is made, beside memory of the kernels: two sets of a bit for each event. */
  get makingBytes(): number {
    return Math.ceil(this.#store.size / 4);
  }

  /** How many sets stand. */
  get live(): number {
    return this.#live.size;
  }

  /**
   * What the filter matches (`limit` does not count), or `undefined` when that is more than `recordsMax`. Rejects with
   * `KernelMemoryError` and with the signal's reason. `turns`: those of whoever asks, in which a set is made.
   */
  async open(
    filter: Filter,
    recordsMax: number,
    signal?: AbortSignal,
    turns: WorkTurns = this.#turns,
  ): Promise<LocalSet | undefined> {
    const key = filterKey(filter);
    const live = this.#lease(key, filter) ?? this.#lease(filterKey(timeless(filter)), filter);
    if (live !== undefined) {
      if (live.size <= recordsMax) return live;
      live[Symbol.dispose]();
      return undefined;
    }
    return await this.#makingOf(key, filter, recordsMax).ask(turns, signal, (shared) =>
      shared === undefined || shared.size > recordsMax ? undefined : this.#leaseOf(key, shared),
    );
  }

  /** The making of a set that may have as many records; nobody waits for one that fails because of less. */
  #makingOf(key: string, filter: Filter, recordsMax: number): SetMaking {
    const latest = this.#makings.get(key);
    if (latest !== undefined && latest.recordsMax >= recordsMax) return latest.making;
    const making: SetMaking = new SetMaking(
      (turns) => this.#make({ key, filter, recordsMax }, making, turns),
      () => this.#forget(key, making),
    );
    this.#makings.set(key, { making, recordsMax });
    return making;
  }

  /** A hold on the set that stands under a key, as far as it lies in the time range of the filter. */
  #lease(key: string, filter: Filter): LocalSet | undefined {
    const live = this.#live.get(key);
    if (live === undefined) return undefined;
    this.#live.delete(key);
    this.#live.set(key, live);
    const lease = withinTimes(live.shared.lease(), filter);
    this.#leases.add(lease);
    return lease;
  }

  #leaseOf(key: string, shared: SharedSet): LocalSet {
    const lease = shared.lease();
    if (this.#live.get(key)?.shared === shared) this.#leases.add(lease);
    return lease;
  }

  /** Who asks from now on does not get what is made there. */
  #forget(key: string, making: SetMaking): void {
    if (this.#makings.get(key)?.making === making) this.#makings.delete(key);
  }

  async #make(
    { key, filter, recordsMax }: SetTask,
    making: SetMaking,
    turns: WorkTurns,
  ): Promise<MadeSet | undefined> {
    using builder = this.#kernels.createRecordSet();
    const changes = new SetChanges(limits.localSetChangesMax);
    const building: Building = { filter, handle: undefined, changes };
    this.#building.add(building);
    try {
      if (!(await this.#store.collectInTurns(filter, recordsMax, builder, undefined, turns)))
        return undefined;
    } finally {
      this.#building.delete(building);
      this.#unfollow(building);
      this.#forget(key, making);
    }
    // From here to the end in one turn: the set misses nothing.
    const standing = this.#live.get(key)?.shared;
    if (standing !== undefined) return { shared: standing, hold: standing.lease() };
    using anew = changes.areLost ? this.#kernels.createRecordSet() : undefined;
    if (anew !== undefined) this.#store.collect(filter, anew);
    const records = anew ?? builder;
    const isStanding =
      this.#isWorthStanding(key, records.size, making.isShared) && this.#makeRoom(records.size);
    if (!isStanding && changes.isEmpty) return heldByReaders(records.seal());
    const set = records.toLiveSet();
    try {
      changes.applyTo(set);
      return isStanding ? this.#letStand(key, filter, set) : heldByReaders(set);
    } catch (error) {
      set[Symbol.dispose]();
      throw error;
    }
  }

  #letStand(key: string, filter: Filter, set: LiveSet): MadeSet {
    const live: LiveEntry = { filter, shared: new SharedSet(set), handle: this.#matcher.add(filter) };
    this.#live.set(key, live);
    return { shared: live.shared, hold: live.shared.lease() };
  }

  #isWorthStanding(key: string, records: number, isShared: boolean): boolean {
    if (records < limits.liveSetRecordsMin) return false;
    const memory = this.#kernels.memory();
    if (records * recordBytes * 2 > memory.bytesMax * limits.liveSetsMemoryShareMax) return false;
    if (this.#askedOnce.delete(key) || key === everything || isShared) return true;
    this.#askedOnce.add(key);
    for (const oldest of this.#askedOnce) {
      if (!exceeds('liveSetCandidatesMax', this.#askedOnce.size)) break;
      this.#askedOnce.delete(oldest);
    }
    return false;
  }

  /** Lets go of the least recently used, until one more stands within the limits; whether it does. */
  #makeRoom(records: number): boolean {
    const bytesMax = this.#kernels.memory().bytesMax * limits.liveSetsMemoryShareMax;
    let bytes = records * recordBytes;
    for (const { shared } of this.#live.values()) bytes += shared.size * recordBytes;
    const hasRoom = () => !reaches('liveSetsMax', this.#live.size) && bytes <= bytesMax;
    for (const [key, oldest] of this.#live) {
      if (hasRoom()) break;
      // Under its readers it would be held by nobody's account.
      if (oldest.shared.isRead) continue;
      bytes -= oldest.shared.size * recordBytes;
      this.#evict(key, oldest);
    }
    return hasRoom();
  }

  #evict(key: string, live: LiveEntry): void {
    this.#live.delete(key);
    this.#unfollow(live);
    live.shared.evict();
  }

  #unfollow(followed: Followed): void {
    if (followed.handle !== undefined) this.#matcher.remove(followed.handle);
    followed.handle = undefined;
  }

  #add(event: NostrEvent): void {
    if (this.#live.size === 0 && this.#building.size === 0) return;
    const handles = this.#matching(event);
    const id = fromHex(event.id);
    for (const { handle, changes } of this.#building) {
      if (handles === undefined || handle === undefined) changes.lose();
      else if (handles.has(handle)) changes.add(event.created_at, id);
    }
    for (const [key, live] of this.#live) {
      if (handles !== undefined && !handles.has(live.handle as number)) continue;
      try {
        if (handles === undefined) this.#evict(key, live);
        else live.shared.set.insert(event.created_at, id);
      } catch (error) {
        if (!(error instanceof KernelMemoryError)) throw error;
        this.#evict(key, live);
      }
    }
  }

  /** The handles of the filters that match; `undefined` when the kernels have no memory to tell. */
  #matching(event: NostrEvent): ReadonlySet<number> | undefined {
    try {
      // A set in the making is followed from the first change on: most are made in one turn.
      for (const building of this.#building) building.handle ??= this.#matcher.add(building.filter);
      return new Set(this.#matcher.match(event));
    } catch (error) {
      if (error instanceof KernelMemoryError) return undefined;
      throw error;
    }
  }

  #remove({ created_at, id }: RemovedEvent): void {
    if (this.#live.size === 0 && this.#building.size === 0) return;
    const bytes = fromHex(id);
    for (const { changes } of this.#building) changes.remove(created_at, bytes);
    for (const { shared } of this.#live.values()) shared.set.delete(created_at, bytes);
  }
}

/** A set that lives as long as somebody reads it. */
function heldByReaders(set: LocalSet): MadeSet {
  const shared = new SharedSet(set);
  const hold = shared.lease();
  shared.evict();
  return { shared, hold };
}
