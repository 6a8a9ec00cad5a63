import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { type Endable, FairSlots } from '../../lib/turns/fair-slots.js';
import { Slots } from '../../lib/turns/slots.js';
import { GitError } from '../git-error.js';

/** How many are let in, asked for at each use: a new number holds from the next that comes or leaves. */
export type ProcessGateSettings = {
  /** Processes that run at once. */
  readonly runningMax: number;
  /** Most that wait for their turn. */
  readonly waitingMax: number;
};

/** Those who have a share together. */
type Party = {
  readonly share: Slots;
  /** Those of its share that wait until a place is free, each with a way to refuse it after all; who came last is last. */
  readonly queued: Set<AbortController>;
};

/**
 * Lets a limited number of processes of one sort run at once; the others wait, and are refused when too many wait. One party has
 * half of the places at most, to run and to wait: whoever reads slowly on all of theirs leaves the other half to others. Who
 * waits behind their own share takes no place to wait from others.
 *
 * Of those who wait the party comes first that has the fewest places, and of several alike the one that came first; where too
 * many wait, the party with most of them gives one up to another that has fewer. So some dozens of addresses keep nobody else
 * waiting for all that they ask for.
 *
 * Two parties may have all places, and whatever makes git slow keeps them for long. Where somebody waits and no place has come
 * free for `gitPlacesHeldMsMax`, one is freed: of the party that has most, and two more than who waits has, what has run for
 * longest is ended. So who has one place keeps it.
 */
export class ProcessGate {
  readonly #slots: FairSlots;
  readonly #settings: ProcessGateSettings;
  /** Those of whom something runs or waits; who has no share is one by itself. */
  readonly #parties = new Map<string, Party>();
  #waiting = 0;
  /** How many came that have no share. */
  #strangers = 0;
  #runningMax: number;

  /** `clock`: without one nothing is ended. */
  constructor(settings: ProcessGateSettings, clock?: Pick<Clock, 'after'>) {
    this.#settings = settings;
    this.#runningMax = settings.runningMax;
    const held = clock && { clock, msMax: limits.gitPlacesHeldMsMax };
    const runningOfKey = (key: string) => runningOf(this.#partyOf(key));
    this.#slots = new FairSlots(() => Math.max(1, this.#runningMax), held, runningOfKey);
  }

  get running(): number {
    return this.#slots.inUse;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Enters; gives the way out, which works once. Rejects with `GitError` (`git_busy`) where too many wait, and with the signal's
   * reason when that aborts while waiting. `name`: the party that it is for, `undefined` for those who have
   * no share. `end` is called at most once, where the place is to be given up for others: the way out is to be taken then.
   */
  async enter(signal: AbortSignal, name?: string, end?: () => void): Promise<() => void> {
    this.#fit();
    const key = name === undefined ? `alone ${this.#strangers++}` : `party ${name}`;
    const party = this.#partyOf(key);
    if (this.#isFull(party) && !this.#makeRoom(party)) {
      this.#forget(key, party);
      throw busy();
    }
    this.#waiting += 1;
    try {
      const leaveShare = await party.share.enter(signal);
      const endable = end && { weight: () => this.#weightOf(party), end };
      const leave = await this.#queue(key, party, signal, endable).catch((error: unknown) => {
        leaveShare();
        throw error;
      });
      return () => {
        this.#fit();
        leave();
        leaveShare();
        this.#forget(key, party);
      };
    } finally {
      this.#waiting -= 1;
      this.#forget(key, party);
    }
  }

  /**
   * How many places a party has more than the one with the fewest of those who wait for one; 0 where nobody with fewer
   * waits. Who has no share has one place.
   */
  leadOf(name: string | undefined): number {
    const party = name === undefined ? undefined : this.#parties.get(`party ${name}`);
    return this.#leadBy(name === undefined ? 1 : party === undefined ? 0 : runningOf(party));
  }

  #leadBy(places: number): number {
    const queued = [...this.#parties.values()].filter(({ queued }) => queued.size > 0);
    return queued.reduce((lead, other) => Math.max(lead, places - runningOf(other)), 0);
  }

  /** How much what runs for a party is to be ended before others: its lead, where that is several places. */
  #weightOf(party: Party): number {
    const lead = this.#leadBy(runningOf(party));
    return lead > 1 ? lead : 0;
  }

  async #queue(
    key: string,
    { queued }: Party,
    signal: AbortSignal,
    endable: Endable | undefined,
  ): Promise<() => void> {
    const refusing = new AbortController();
    queued.add(refusing);
    try {
      return await this.#slots.enter(key, AbortSignal.any([signal, refusing.signal]), endable);
    } finally {
      queued.delete(refusing);
    }
  }

  /** Takes what the settings say by now. */
  #fit(): void {
    const { runningMax } = this.#settings;
    if (runningMax === this.#runningMax) return;
    this.#runningMax = runningMax;
    this.#slots.admit();
    for (const { share } of this.#parties.values()) share.resize(half(runningMax));
  }

  /** Refuses who came last of the party of which most wait, where one of them more than of this one would wait all the same. */
  #makeRoom({ share, queued }: Party): boolean {
    if (share.inUse >= share.capacity) return false;
    let most: Party['queued'] = queued;
    for (const other of this.#parties.values()) if (other.queued.size > most.size) most = other.queued;
    if (most.size < queued.size + 2) return false;
    [...most].at(-1)?.abort(busy());
    return true;
  }

  #isFull({ share }: Party): boolean {
    const { waitingMax } = this.#settings;
    const behindShares = [...this.#parties.values()].reduce((sum, party) => sum + party.share.waiting, 0);
    if (share.inUse >= share.capacity) return share.waiting >= half(waitingMax) || behindShares >= waitingMax;
    return this.#slots.inUse >= this.#slots.capacity && this.#waiting - behindShares >= waitingMax;
  }

  #partyOf(key: string): Party {
    let party = this.#parties.get(key);
    if (party === undefined) {
      party = { share: new Slots(half(this.#settings.runningMax)), queued: new Set() };
      this.#parties.set(key, party);
    }
    return party;
  }

  #forget(key: string, { share }: Party): void {
    if (share.inUse === 0 && share.waiting === 0) this.#parties.delete(key);
  }
}

function runningOf({ share, queued }: Party): number {
  return share.inUse - queued.size;
}

function busy(): GitError {
  return new GitError('git_busy', 'too many git requests are being served; try again later');
}

function half(number: number): number {
  return Math.ceil(number / 2);
}
