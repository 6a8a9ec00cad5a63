import {
  type CatchupTrigger,
  catchupTriggers,
  type Layer,
  layerOf,
  layers,
  type SubscriptionContent,
  type Topic,
} from './layers.js';

/** Topics of one layer that are caught up together: the unit that is done, or not, as a whole. */
export type CatchupBatch = {
  readonly trigger: CatchupTrigger;
  readonly layer: Layer;
  readonly topics: readonly Topic[];
  /** Wall-clock seconds before which nothing is asked for; 0 for everything. */
  readonly since: number;
  /** When it was first begun, in wall-clock seconds: what it makes complete, it makes complete as of then. */
  readonly startedAt: number;
  /** How often the remote did not do what the batch asked. */
  failures: number;
};

export type NextCatchup =
  | { readonly type: 'interrupted'; readonly batch: CatchupBatch }
  | {
      readonly type: 'due';
      readonly trigger: CatchupTrigger;
      readonly layer: Layer;
      /** All of them, in the order in which they came, for as long as the table does not change. */
      readonly topics: Iterable<Topic>;
    };

/** A subscription asks about a topic: the newest one that does. */
export type Covered =
  /** It was sent. `stood`: the remote tells what is new meanwhile, for another one stands until this one does. */
  | { readonly type: 'opening'; readonly subscription: SubscriptionContent; readonly stood: boolean }
  /** The remote confirmed it. */
  | { readonly type: 'live'; readonly subscription: SubscriptionContent };

/** What live sync has come to with one topic. */
export type LiveState =
  | Covered
  /** There is no connection. */
  | { readonly type: 'offline' }
  /** To be asked for in the next step. */
  | { readonly type: 'missing' }
  /** The remote ended its subscription; asked for again at that time, in monotonic milliseconds. */
  | { readonly type: 'retrying'; readonly at: number }
  /** The remote has no place for it. */
  | { readonly type: 'uncovered' }
  /** Not wanted any more, but still in the filters of a subscription. */
  | { readonly type: 'leftover'; readonly covered: Covered };

/**
 * All that is known of one topic on one relay. What is above the line ends with the connection. Immutable, so that
 * thousands of topics to which the same happened share one.
 */
export type TopicState = {
  readonly live: LiveState;
  /** How often its subscription failed in a row. */
  readonly failures: number;
  /** Whether its live subscription stood on this connection, or could not: only then it is caught up. */
  readonly mayCatchUp: boolean;
  /** Whether live sync may have missed something that its batches looked past: due when the first of them is done. */
  readonly mayHaveMissed: boolean;
  // ———
  readonly due: CatchupTrigger | undefined;
  /** Those that are under way with it, or were interrupted. */
  readonly batches: readonly CatchupBatch[];
  /** When a live subscription to it first stood, in wall-clock seconds. */
  readonly openedAt: number | undefined;
  /** As of when everything that the relay held about it is stored, in wall-clock seconds. */
  readonly doneAt: number | undefined;
};

/** A topic of which nothing is known. */
export const unknownTopic: TopicState = {
  live: { type: 'offline' },
  failures: 0,
  mayCatchUp: false,
  mayHaveMissed: false,
  due: undefined,
  batches: [],
  openedAt: undefined,
  doneAt: undefined,
};

/** The subscription that asks about the topic, wanted or not. */
export function coveredBy({ live }: TopicState): Covered | undefined {
  if (live.type === 'leftover') return live.covered;
  return live.type === 'opening' || live.type === 'live' ? live : undefined;
}

/** Whether the remote tells what is new about it. */
export function stands(state: TopicState): boolean {
  const covered = coveredBy(state);
  return covered !== undefined && (covered.type === 'live' || covered.stood);
}

export function isWanted({ live }: TopicState): boolean {
  return live.type !== 'leftover';
}

/** → opening | live; a leftover stays one. */
export function withCovered(state: TopicState | undefined, covered: Covered): TopicState {
  if (state === undefined || !isWanted(state))
    return { ...unknownTopic, live: { type: 'leftover', covered } };
  return { ...state, live: covered };
}

/** Not wanted any more: → leftover, or nothing where no filter asks about it. */
export function unwanted(state: TopicState): TopicState | undefined {
  const covered = coveredBy(state);
  return covered && { ...unknownTopic, live: { type: 'leftover', covered } };
}

/** The subscription ended: → missing; nothing is left of a leftover. */
export function withoutSubscription(state: TopicState): TopicState | undefined {
  return isWanted(state) ? { ...state, live: { type: 'missing' } } : undefined;
}

/** The connection ended: → offline, or nothing where there is nothing to remember. */
export function atRest(state: TopicState): TopicState | undefined {
  const { due, batches, openedAt, doneAt } = state;
  const isRemembered = (due ?? openedAt ?? doneAt) !== undefined || batches.length > 0;
  return isWanted(state) && isRemembered ? { ...unknownTopic, due, batches, openedAt, doneAt } : undefined;
}

type ByLayer = Partial<Record<Layer, Set<Topic>>>;

/** The states of topics, and what is looked for among them, so that nobody has to go through all. */
export class TopicStates {
  readonly #states = new Map<Topic, TopicState>();
  /** In the order in which they came, as all below. */
  readonly missing = new Set<Topic>();
  readonly uncovered = new Set<Topic>();
  /** Topics that a subscription asks about, and those of them that are not wanted any more. */
  covered = 0;
  leftovers = 0;
  /** How many are due. */
  readonly due: Record<CatchupTrigger, number> = { start: 0, reconnect: 0, daily: 0 };
  /** Those that are due and may begin. */
  readonly #ready: Record<CatchupTrigger, ByLayer> = { start: {}, reconnect: {}, daily: {} };

  get size(): number {
    return this.#states.size;
  }

  get dueTotal(): number {
    return catchupTriggers.reduce((sum, trigger) => sum + this.due[trigger], 0);
  }

  get(topic: Topic): TopicState | undefined {
    return this.#states.get(topic);
  }

  /** As of when all of these are done; `undefined` when one of them never was. */
  oldestDoneAt(topics: Iterable<Topic>): number | undefined {
    let oldest: number | undefined;
    for (const topic of topics) {
      const at = this.get(topic)?.doneAt;
      if (at === undefined) return undefined;
      oldest = Math.min(oldest ?? at, at);
    }
    return oldest;
  }

  topics(): Iterable<Topic> {
    return this.#states.keys();
  }

  /**
   * Puts another state in the place of each, `undefined` to forget it; the same one for those that shared theirs, for
   * thousands of topics are opened, or done, at once.
   */
  change(topics: Iterable<Topic>, next: (state: TopicState | undefined) => TopicState | undefined): void {
    const changed = new Map<TopicState | undefined, TopicState | undefined>();
    for (const topic of topics) {
      const before = this.#states.get(topic);
      if (!changed.has(before)) changed.set(before, next(before));
      const after = changed.get(before);
      if (after === before) continue;
      if (after === undefined) this.#states.delete(topic);
      else this.#states.set(topic, after);
      this.#update(topic, before, after);
    }
  }

  /** What is due next of a trigger, of the first layer that has something. */
  nextDue(trigger: CatchupTrigger): { readonly layer: Layer; readonly topics: Iterable<Topic> } | undefined {
    for (const layer of layers) {
      const topics = this.#ready[trigger][layer];
      if (topics !== undefined && topics.size > 0) return { layer, topics };
    }
    return undefined;
  }

  #update(topic: Topic, before: TopicState | undefined, after: TopicState | undefined): void {
    this.#updateLive(topic, before, after);
    if (before?.due !== after?.due) {
      if (before?.due !== undefined) this.due[before.due] -= 1;
      if (after?.due !== undefined) this.due[after.due] += 1;
    }
    const readyBefore = before?.mayCatchUp === true ? before.due : undefined;
    const readyAfter = after?.mayCatchUp === true ? after.due : undefined;
    if (readyBefore === readyAfter) return;
    const layer = layerOf(topic);
    if (readyBefore !== undefined) this.#ready[readyBefore][layer]?.delete(topic);
    if (readyAfter === undefined) return;
    this.#ready[readyAfter][layer] ??= new Set();
    this.#ready[readyAfter][layer].add(topic);
  }

  #updateLive(topic: Topic, before: TopicState | undefined, after: TopicState | undefined): void {
    if (before?.live === after?.live) return;
    for (const type of ['missing', 'uncovered'] as const) {
      if (after?.live.type === type) this[type].add(topic);
      else if (before?.live.type === type) this[type].delete(topic);
    }
    this.covered += Number(isCovered(after)) - Number(isCovered(before));
    this.leftovers += Number(isLeftover(after)) - Number(isLeftover(before));
  }
}

function isCovered(state: TopicState | undefined): boolean {
  return state !== undefined && coveredBy(state) !== undefined;
}

function isLeftover(state: TopicState | undefined): boolean {
  return state !== undefined && !isWanted(state);
}
