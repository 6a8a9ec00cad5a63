import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { EventStore } from '../../store/event-store.js';
import type { SyncSettings } from '../settings.js';
import type { FilterService } from './filter-service.js';
import { everythingTopic, type Layer, layerOf, type Topic } from './layers.js';

/** What is to be asked of the relay from now on, and no longer. */
export type ScopeChanges = { readonly added: Iterable<Topic>; readonly removed: Iterable<Topic> };

const onlyEverything: ReadonlySet<Topic> = new Set([everythingTopic]);
const hasNoRoom: ReadonlySet<Layer> = new Set(['root', 'author']);
const noChanges: ScopeChanges = { added: [], removed: [] };

/**
 * What one relay is asked about: the topics of the layers, or all that it holds (docs/sync.md §3). Thousands of
 * repositories and roots are thousands of filters, of which each comes with a reconciliation of its own; a relay for
 * git collaboration holds little else than what they ask for, and one filter asks for that. Whether it is so is
 * looked at when all of it has come: where most of that is not wanted here, the layers are asked for again, and
 * everything not for a week.
 */
export class RelayScope {
  readonly #relay: string;
  readonly #filters: FilterService;
  readonly #store: Pick<EventStore, 'has'>;
  readonly #clock: Clock;
  readonly #settings: SyncSettings;
  /** Whether the remote of the current connection is one for git collaboration (GRASP) that can reconcile. */
  #isOffered = false;
  #isEverything = false;
  /** Whether it was worth asking for: more than half of all that the relay holds. */
  #isProven = false;
  /** Monotonic milliseconds before which everything is not asked for. */
  #unfitUntil = 0;
  /** Monotonic milliseconds before which roots and authors are not asked about. */
  #narrowUntil = Number.NEGATIVE_INFINITY;
  /** How many ids everything brought, and how many of them were not wanted when they came. */
  #brought = 0;
  #unwanted = 0;
  /** One in so many of those that were not wanted. */
  #sample: string[] = [];
  #sampledOf = 1;

  constructor(parts: {
    readonly relay: string;
    readonly filters: FilterService;
    readonly store: Pick<EventStore, 'has'>;
    readonly clock: Clock;
    readonly settings: SyncSettings;
  }) {
    this.#relay = parts.relay;
    this.#filters = parts.filters;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
  }

  get isEverything(): boolean {
    return this.#isEverything;
  }

  /** Whether the relay is to be asked for everything if it is one for git collaboration. */
  get mayBeEverything(): boolean {
    return (
      this.#clock.monotonic() >= this.#unfitUntil &&
      (this.#isEverything || this.#filters.hasTopics(this.#relay, this.#settings.everythingTopicsMin))
    );
  }

  /** Whether only announcements and repositories are asked about, for there are too many topics of all relays. */
  get isNarrow(): boolean {
    return !this.#isEverything && this.#clock.monotonic() < this.#narrowUntil;
  }

  topics(): Iterable<Topic> {
    return this.#isEverything ? onlyEverything : this.#layers();
  }

  wants(topic: Topic): boolean {
    if (this.#isEverything) return topic === everythingTopic;
    if (this.isNarrow && hasNoRoom.has(layerOf(topic))) return false;
    return this.#filters.wants(this.#relay, topic);
  }

  #layers(): Iterable<Topic> {
    const { isNarrow } = this;
    return isNarrow ? this.#filters.repositoriesOf(this.#relay) : this.#filters.topicsOf(this.#relay);
  }

  /** Roots and authors are not asked about, for that time; to be called while no connection is begun or open. */
  leaveOutRoots(forMs: number): void {
    this.#narrowUntil = this.#clock.monotonic() + forMs;
  }

  /**
   * Connected to a remote that may, or may not, be asked for everything, as far as that could be read. Whether it is asked
   * about other topics than before.
   */
  connected(isOffered: boolean | undefined): boolean {
    this.#isOffered = isOffered ?? this.#isOffered;
    return this.#choose() !== undefined;
  }

  /** Takes topics of the layers that may be wanted only now, or no longer; gives what changes of what is asked. */
  follow(topics: Iterable<Topic>): ScopeChanges {
    const chosen = this.#choose();
    const added: Topic[] = [];
    const removed: Topic[] = [];
    for (const topic of topics) (this.wants(topic) ? added : removed).push(topic);
    if (chosen === undefined) return { added, removed };
    return { added: chosen.added, removed: [...chosen.removed, ...removed] };
  }

  /** Takes what became of one id that everything brought; true when so many have come that it is time to `prove`. */
  count(id: string, isWanted: boolean): boolean {
    if (!this.#isEverything || this.#isProven) return false;
    this.#brought += 1;
    if (!isWanted) {
      this.#unwanted += 1;
      if (this.#unwanted % this.#sampledOf === 0) this.#sample.push(id);
      if (exceeds('everythingTrialIdsMax', this.#sample.length)) {
        this.#sample = this.#sample.filter((_, at) => at % 2 === 1);
        this.#sampledOf *= 2;
      }
    }
    return this.#brought === limits.everythingTrialEventsMax;
  }

  /**
   * All that the relay holds has its outcome, or very much of it: false when less than half of it is wanted. What was
   * refused for want of what came later (newer events come before older ones, on which they hang) is stored by now.
   */
  prove(): boolean {
    if (!this.#isEverything || this.#isProven) return true;
    const unwanted = this.#sampledOf * this.#sample.filter((id) => !this.#store.has(id)).length;
    this.#isProven = 2 * unwanted <= this.#brought;
    this.#sample = [];
    return this.#isProven;
  }

  /** Everything cannot be asked of this relay, or is not worth it: the layers are, for that time. */
  narrow(forMs: number): ScopeChanges {
    this.#unfitUntil = this.#clock.monotonic() + forMs;
    return this.#choose() ?? noChanges;
  }

  #choose(): ScopeChanges | undefined {
    const isEverything = this.#isOffered && this.mayBeEverything;
    if (isEverything === this.#isEverything) return undefined;
    this.#isEverything = isEverything;
    this.#isProven = false;
    this.#brought = 0;
    this.#unwanted = 0;
    this.#sample = [];
    this.#sampledOf = 1;
    // Read only by those that hold some of them.
    const layers = { [Symbol.iterator]: () => this.#layers()[Symbol.iterator]() };
    return isEverything
      ? { added: onlyEverything, removed: layers }
      : { added: layers, removed: onlyEverything };
  }
}
