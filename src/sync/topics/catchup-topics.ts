import type { CatchupTrigger, Layer, Topic } from './layers.js';
import {
  type CatchupBatch,
  isWanted,
  type NextCatchup,
  type TopicState,
  type TopicStates,
} from './topic-state.js';

/** What is due, and what happens to the batches of it, in a table of topics. */
export class CatchupTopics {
  readonly #states: TopicStates;
  readonly #running = new Set<CatchupBatch>();
  readonly #interrupted = new Set<CatchupBatch>();

  constructor(states: TopicStates) {
    this.#states = states;
  }

  /** Topics that are due, and those of interrupted batches. */
  get dueTopics(): number {
    let count = this.#states.dueTotal;
    for (const batch of this.#interrupted) count += batch.topics.length;
    return count;
  }

  /** The batches that are under way. */
  get running(): ReadonlySet<CatchupBatch> {
    return this.#running;
  }

  /** Whether nothing is due or under way that `trigger` set off, and nothing of it was interrupted. */
  isOver(trigger: CatchupTrigger): boolean {
    const isOfTrigger = (batch: CatchupBatch) => batch.trigger === trigger;
    return (
      this.#states.due[trigger] === 0 &&
      ![...this.#running].some(isOfTrigger) &&
      ![...this.#interrupted].some(isOfTrigger)
    );
  }

  /**
   * What comes next of a trigger: an interrupted batch, then what is due of one layer, then what the remote did not do
   * at first; all only if it may be caught up by now.
   */
  next(trigger: CatchupTrigger): NextCatchup | undefined {
    const isNext = (batch: CatchupBatch) => batch.trigger === trigger && this.#mayGoOn(batch);
    const interrupted = [...this.#interrupted];
    const first = interrupted.find((each) => each.failures === 0 && isNext(each));
    if (first !== undefined) return { type: 'interrupted', batch: first };
    const due = this.#states.nextDue(trigger);
    if (due !== undefined) return { type: 'due', trigger, ...due };
    const failed = interrupted.find(isNext);
    return failed && { type: 'interrupted', batch: failed };
  }

  /** A batch of topics that are due begins. Times in wall-clock seconds. */
  began(
    { trigger, layer }: { readonly trigger: CatchupTrigger; readonly layer: Layer },
    topics: readonly Topic[],
    times: { readonly now: number; readonly lookbackSeconds: number },
  ): CatchupBatch {
    const { now, lookbackSeconds } = times;
    const since = batchSince(trigger, this.#states.oldestDoneAt(topics), now, lookbackSeconds);
    const batch: CatchupBatch = { trigger, layer, topics, since, startedAt: now, failures: 0 };
    this.#running.add(batch);
    this.#states.change(
      topics,
      (state) => state && { ...state, due: undefined, batches: [...state.batches, batch] },
    );
    return batch;
  }

  /** An interrupted batch goes on. */
  resumed(batch: CatchupBatch): void {
    this.#interrupted.delete(batch);
    this.#running.add(batch);
  }

  /** A batch did not get through, and is to go on later, if something of it is still wanted. */
  interrupted(batch: CatchupBatch): void {
    this.#running.delete(batch);
    if (this.#isStillWanted(batch)) this.#interrupted.add(batch);
  }

  /** A batch is left for the next connection, or the next day. False when nothing of it was wanted any more. */
  gaveUp(batch: CatchupBatch): boolean {
    const isWanted = this.#isStillWanted(batch);
    this.#end(batch, (state) => {
      if (state.doneAt !== undefined) return this.#withMissed(state);
      return { ...state, mayHaveMissed: state.mayHaveMissed && state.batches.length > 0 };
    });
    return isWanted;
  }

  /** Everything that the relay held about its topics when it began is stored. */
  done(batch: CatchupBatch): void {
    this.#end(batch, (state) => {
      const doneAt = Math.max(batch.startedAt, state.doneAt ?? 0);
      return this.#withMissed({ ...state, doneAt });
    });
  }

  /** Gives those of these batches under way of which nothing is wanted any more; interrupted ones are dropped. */
  unwanted(batches: Iterable<CatchupBatch>): CatchupBatch[] {
    const ended = [...batches].filter((batch) => !this.#isStillWanted(batch));
    for (const batch of ended) this.#interrupted.delete(batch);
    return ended.filter((batch) => this.#running.has(batch));
  }

  disconnected(): void {
    for (const batch of this.#running) this.interrupted(batch);
  }

  /**
   * Live sync does what it can for it from now on, and may not have until now: its history is due, all of it or what came
   * since the last time. Where all of it is being fetched already, what came since that began is due afterwards.
   */
  allow(state: TopicState): TopicState {
    const allowed = { ...state, mayCatchUp: true };
    if (state.doneAt !== undefined) return this.withDue(allowed, 'reconnect');
    return state.batches.length > 0 ? { ...allowed, mayHaveMissed: true } : this.withDue(allowed, 'start');
  }

  /** What is due already, or was interrupted, stays where it asks for more. */
  withDue(state: TopicState, trigger: CatchupTrigger): TopicState {
    if (trigger === 'reconnect' && state.due !== undefined) return state;
    // What we never had is not made to wait as the daily run does.
    if (trigger === 'daily' && state.due === 'start') return state;
    const standsForIt = (batch: CatchupBatch) =>
      this.#interrupted.has(batch) && (batch.since === 0 || trigger === 'reconnect');
    if (!state.batches.some(standsForIt)) return { ...state, due: trigger };
    // It goes on where it was, and that may be past what is new.
    return trigger === 'reconnect' ? { ...state, mayHaveMissed: true } : state;
  }

  /** A batch ended: what live sync may have missed since it began is due. */
  #withMissed(state: TopicState): TopicState {
    return state.mayHaveMissed ? this.withDue({ ...state, mayHaveMissed: false }, 'reconnect') : state;
  }

  /** Whether what is wanted of an interrupted batch may be caught up. */
  #mayGoOn({ topics }: CatchupBatch): boolean {
    return topics.every((topic) => {
      const state = this.#states.get(topic);
      return state === undefined || !isWanted(state) || state.mayCatchUp;
    });
  }

  /** Whether something of a batch was wanted all the time since it began. */
  #isStillWanted(batch: CatchupBatch): boolean {
    return batch.topics.some((topic) => this.#states.get(topic)?.batches.includes(batch));
  }

  #end(batch: CatchupBatch, next: (state: TopicState) => TopicState): void {
    this.#running.delete(batch);
    this.#states.change(batch.topics, (state) => {
      if (state?.batches.includes(batch) !== true) return state;
      return next({ ...state, batches: state.batches.filter((each) => each !== batch) });
    });
  }
}

/**
 * From when a batch asks (docs/sync.md §5): everything, but after a reconnect only the look-back, or since the topics
 * were last complete if that is longer ago. Seconds.
 */
export function batchSince(
  trigger: CatchupTrigger,
  oldestDoneAt: number | undefined,
  now: number,
  lookbackSeconds: number,
): number {
  if (trigger !== 'reconnect' || oldestDoneAt === undefined) return 0;
  return Math.max(0, Math.min(now - lookbackSeconds, oldestDoneAt));
}
