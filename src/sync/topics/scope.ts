import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { EventStore } from '../../store/event-store.js';
import type { SyncSettings } from '../settings.js';
import type { FilterService } from './filter.js';
import { everythingTopic, type Topic } from './layers.js';

/** What is to be asked of the relay from now on, and no longer. */
export type ScopeChanges = { readonly added: Iterable<Topic>; readonly removed: Iterable<Topic> };

const onlyEverything: ReadonlySet<Topic> = new Set([everythingTopic]);
const noChanges: ScopeChanges = { added: [], removed: [] };

/**
 * What one relay is asked about: the topics of the layers, or all that it holds (docs/sync.md §3). Thousands of
 * repositories and roots are thousands of filters, of which each comes with a reconciliation of its own; a relay for
 * git collaboration holds little else than what they ask for, and one filter asks for that. Whether it is so is
 * measured: where most of what comes is not wanted here, the layers are asked for again, and everything not for a week.
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
  /** Whether all that the relay holds was caught up, so that it was worth asking for. */
  #isProven = false;
  /** Monotonic milliseconds before which everything is not asked for. */
  #unfitUntil = 0;
  #outcomes = 0;
  /** Of the ids that are being counted, and of as many each time before them, those that were not stored. */
  #unwanted: string[] = [];
  #unwantedBefore: string[][] = [];

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
      (this.#isEverything || this.#filters.topicCount(this.#relay) >= this.#settings.everythingTopicsMin)
    );
  }

  topics(): Iterable<Topic> {
    return this.#isEverything ? onlyEverything : this.#filters.topicsOf(this.#relay);
  }

  wants(topic: Topic): boolean {
    return this.#isEverything ? topic === everythingTopic : this.#filters.wants(this.#relay, topic);
  }

  /**
   * Connected to a remote that may, or may not, be asked for everything, as far as that could be read; gives what
   * changes by that.
   */
  connected(isOffered: boolean | undefined): ScopeChanges {
    this.#isOffered = isOffered ?? this.#isOffered;
    return this.#choose() ?? noChanges;
  }

  /** Takes changes of the topics of the layers; gives what changes of what is asked. */
  follow({ added, removed }: ScopeChanges): ScopeChanges {
    const chosen = this.#choose();
    if (chosen !== undefined && this.#isEverything) {
      return { added: chosen.added, removed: [...chosen.removed, ...removed] };
    }
    if (chosen !== undefined) return chosen;
    if (this.#isEverything) return noChanges;
    return {
      added: [...added].filter((topic) => this.wants(topic)),
      removed: [...removed].filter((topic) => !this.wants(topic)),
    };
  }

  /**
   * Takes what became of one id that everything brought; true when most of them turn out not to be wanted. That is
   * told when many times as many more have come: a reconciliation tells of newer events before it tells of the older
   * ones on which they hang, and what was refused for want of these is stored by then.
   */
  count(id: string, isWanted: boolean): boolean {
    if (!this.#isEverything || this.#isProven) return false;
    this.#outcomes += 1;
    if (!isWanted) this.#unwanted.push(id);
    if (this.#outcomes < limits.everythingTrialEvents) return false;
    this.#unwantedBefore.push(this.#unwanted);
    this.#unwanted = [];
    this.#outcomes = 0;
    if (this.#unwantedBefore.length <= limits.everythingTrialsLater) return false;
    const unwanted = this.#unwantedBefore.shift()?.filter((each) => !this.#store.has(each)) ?? [];
    return 2 * unwanted.length > limits.everythingTrialEvents;
  }

  /** All that the relay holds has its outcome: from now on little comes of it that is not new. */
  prove(): void {
    this.#isProven = this.#isEverything;
  }

  /** Everything cannot be asked of this relay, or is not worth it: the layers are, for that time. */
  narrow(forMs: number): ScopeChanges {
    this.#unfitUntil = this.#clock.monotonic() + forMs;
    return this.#choose() ?? noChanges;
  }

  #beginTrial(): void {
    this.#outcomes = 0;
    this.#unwanted = [];
    this.#unwantedBefore = [];
  }

  #choose(): ScopeChanges | undefined {
    const isEverything = this.#isOffered && this.mayBeEverything;
    if (isEverything === this.#isEverything) return undefined;
    this.#isEverything = isEverything;
    this.#isProven = false;
    this.#beginTrial();
    // Read only by those that hold some of them.
    const layers = { [Symbol.iterator]: () => this.#filters.topicsOf(this.#relay)[Symbol.iterator]() };
    return isEverything
      ? { added: onlyEverything, removed: layers }
      : { added: layers, removed: onlyEverything };
  }
}
