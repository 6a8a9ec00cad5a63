import { type CatchupTrigger, catchupTriggers as triggers } from '../topics/catchup-trigger.js';
import { type Layer, layerOf, layers, type Topic } from '../topics/layers.js';
import type { Paging } from './paging.js';

/** Topics of one layer that are caught up together: the unit that is done, or not, as a whole. */
export type CatchupBatch = {
  readonly trigger: CatchupTrigger;
  readonly layer: Layer;
  readonly topics: readonly Topic[];
  /** Wall-clock seconds before which nothing is asked for; 0 for everything. */
  readonly since: number;
  /** When it was first begun, in wall-clock seconds: what it makes complete, it makes complete as of then. */
  readonly startedAt: number;
  /** Where its paged filters are, so that an interrupted batch goes on there. */
  readonly pagings: Map<string, Paging>;
  /** How often the remote did not do what the batch asked. */
  failures: number;
};

export type NextCatchup =
  | { readonly type: 'interrupted'; readonly batch: CatchupBatch }
  | {
      readonly type: 'topics';
      readonly trigger: CatchupTrigger;
      readonly layer: Layer;
      /** All of them, in the order in which they came, for as long as the queue does not change. */
      readonly topics: Iterable<Topic>;
    };

type Waiting = Record<CatchupTrigger, Record<Layer, Set<Topic>>>;

function nothingWaiting(): Waiting {
  const none = () => {
    const topics = () => new Set<Topic>();
    return { 0: topics(), 1: topics(), 2: topics(), 3: topics(), 4: topics() };
  };
  return { start: none(), reconnect: none(), daily: none() };
}

/** What is to be caught up with on one relay; each topic waits at most once. */
export class CatchupQueue {
  readonly #waiting = nothingWaiting();
  #interrupted: CatchupBatch[] = [];

  /** Topics that wait, those of interrupted batches among them. */
  get size(): number {
    let size = 0;
    for (const trigger of triggers) size += this.#sizeOf(trigger);
    for (const batch of this.#interrupted) size += batch.topics.length;
    return size;
  }

  /** Whether nothing waits that `trigger` set off, and nothing of it was interrupted. */
  isEmptyOf(trigger: CatchupTrigger): boolean {
    return this.#sizeOf(trigger) === 0 && !this.#interrupted.some((batch) => batch.trigger === trigger);
  }

  /**
   * Adds topics. One that waits already, or was interrupted, stays where it asks for more: the daily run and the start
   * ask for all, a reconnect may not.
   */
  add(topics: Iterable<Topic>, trigger: CatchupTrigger): void {
    const interrupted = new Set(
      this.#interrupted
        .filter((batch) => batch.since === 0 || trigger === 'reconnect')
        .flatMap((batch) => batch.topics),
    );
    for (const topic of topics) {
      if (interrupted.has(topic)) continue;
      const layer = layerOf(topic);
      if (
        trigger === 'reconnect' &&
        (this.#waiting.start[layer].has(topic) || this.#waiting.daily[layer].has(topic))
      ) {
        continue;
      }
      for (const each of triggers) this.#waiting[each][layer].delete(topic);
      this.#waiting[trigger][layer].add(topic);
    }
  }

  /** Takes waiting topics out. */
  remove(topics: Iterable<Topic>): void {
    for (const topic of topics)
      for (const each of triggers) this.#waiting[each][layerOf(topic)].delete(topic);
  }

  /** Drops interrupted batches of which no topic is wanted any more. */
  dropUnwanted(isWanted: (topic: Topic) => boolean): void {
    this.#interrupted = this.#interrupted.filter((batch) => batch.topics.some(isWanted));
  }

  /** An interrupted batch comes first of its kind. */
  putBack(batch: CatchupBatch): void {
    this.#interrupted.push(batch);
  }

  /**
   * What comes next, if there is something: an interrupted batch, then the topics of one layer that wait, then what the
   * remote did not do at first; all only if they are settled, that is, as live as they can be. They stay here until
   * they are taken out by `resume` or `remove`.
   */
  next(
    allowed: (trigger: CatchupTrigger) => boolean,
    isSettled: (topic: Topic) => boolean,
  ): NextCatchup | undefined {
    for (const trigger of triggers.filter(allowed)) {
      const ready = this.#interrupted.filter(
        (each) => each.trigger === trigger && each.topics.every(isSettled),
      );
      const batch = ready.find((each) => each.failures === 0);
      if (batch !== undefined) return { type: 'interrupted', batch };
      for (const layer of layers) {
        const topics = matching(this.#waiting[trigger][layer], isSettled);
        for (const _ of topics) return { type: 'topics', trigger, layer, topics };
      }
      if (ready[0] !== undefined) return { type: 'interrupted', batch: ready[0] };
    }
    return undefined;
  }

  /** Takes an interrupted batch out again. */
  resume(batch: CatchupBatch): void {
    this.#interrupted = this.#interrupted.filter((each) => each !== batch);
  }

  #sizeOf(trigger: CatchupTrigger): number {
    return layers.reduce<number>((sum, layer) => sum + this.#waiting[trigger][layer].size, 0);
  }
}

/** Those for which `isWanted` holds, looked at as they are read: a hundred of a hundred thousand cost a hundred looks. */
function matching<T>(items: Iterable<T>, isWanted: (item: T) => boolean): Iterable<T> {
  return {
    *[Symbol.iterator]() {
      for (const item of items) if (isWanted(item)) yield item;
    },
  };
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
