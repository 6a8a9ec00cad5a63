import { utf8Length } from '../../lib/bytes.js';
import { firstOf } from '../../lib/collections/lists.js';
import type { Filter } from '../../nostr/filter.js';
import {
  filtersOf,
  filtersPerBatch,
  type Layer,
  layerOf,
  layers,
  type SubscriptionContent,
  type Topic,
} from './layers.js';

/** A subscription that was sent. `confirmed`: the remote said EOSE, so from now on it tells what is new. */
export type OpenSubscription = SubscriptionContent & {
  readonly id: string;
  readonly status: 'opening' | 'confirmed';
};

/**
 * Whether two subscriptions ask for the same: about the same topics in filters of the same form. Those that differ
 * mostly do so in their first topic, so that hundreds are compared with hundreds at no cost.
 */
export function isSameContent(a: SubscriptionContent, b: SubscriptionContent): boolean {
  return (
    a.topics.length === b.topics.length &&
    a.filters.length === b.filters.length &&
    a.topics.every((topic, at) => topic === b.topics[at]) &&
    a.filters.every((filter, at) => formOf(filter) === formOf(b.filters[at] as Filter))
  );
}

/** Those by kind are about no topics, and differ in their kinds. */
function formOf(filter: Filter): string {
  return `${Object.keys(filter)}:${filter.kinds}`;
}

export type PackingLimits = {
  readonly tagsPerFilter: number;
  readonly filtersPerSubscription: number;
  readonly messageBytes: number;
};

/** Bytes of a REQ beside its filters, and of a filter beside its values. */
const requestBytes = 120;
const filterBytes = 40;

/**
 * Packs topics, in their order, into as few subscriptions as their order allows: each takes a run of topics for as
 * long as its filters and its bytes stay within the limits. A run that fitted in several subscriptions fits in one
 * whenever the limits allow it, so the first packed one covers at least the first of those that it replaces. Gives no more
 * than the first `count`, and looks at no more topics than these take.
 */
export function packSubscriptions(
  topics: Iterable<Topic>,
  limits: PackingLimits,
  count = Number.POSITIVE_INFINITY,
): SubscriptionContent[] {
  if (limits.filtersPerSubscription < 3)
    return packFilterByFilter(firstOf(topics, count * limits.tagsPerFilter), limits).slice(0, count);
  const packed: SubscriptionContent[] = [];
  let run = new Run(limits);
  for (const topic of topics) {
    if (!run.takes(topic)) {
      packed.push(run.content());
      if (packed.length >= count) return packed;
      run = new Run(limits);
    }
    run.add(topic);
  }
  if (!run.isEmpty) packed.push(run.content());
  return packed;
}

function noTopics(): Record<Layer, Topic[]> {
  return { everything: [], announcements: [], repository: [], root: [], author: [] };
}

/** Topics for one subscription, with what their filters will take. */
class Run {
  readonly #limits: PackingLimits;
  readonly #topics = noTopics();
  readonly #ordered: Topic[] = [];
  #topicBytes = 0;

  constructor(limits: PackingLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#ordered.length === 0;
  }

  takes(topic: Topic): boolean {
    if (this.isEmpty) return true;
    const filters = this.#filtersWith(topic);
    const bytes = requestBytes + filters * filterBytes + this.#topicBytes + topicBytes(topic);
    return filters <= this.#limits.filtersPerSubscription && bytes <= this.#limits.messageBytes;
  }

  add(topic: Topic): void {
    this.#topics[layerOf(topic)].push(topic);
    this.#ordered.push(topic);
    this.#topicBytes += topicBytes(topic);
  }

  content(): SubscriptionContent {
    const filters = layers.flatMap((layer) =>
      chunks(this.#topics[layer], this.#limits.tagsPerFilter).flatMap((chunk) => filtersOf(layer, chunk)),
    );
    return { topics: this.#ordered, filters };
  }

  /** How many filters there are with one more topic. */
  #filtersWith(topic: Topic): number {
    const more = layerOf(topic);
    let filters = 0;
    for (const layer of layers) {
      const topics = this.#topics[layer].length + (layer === more ? 1 : 0);
      filters += filtersPerBatch[layer] * Math.ceil(topics / this.#limits.tagsPerFilter);
    }
    return filters;
  }
}

/** For remotes that take fewer filters than the three of a batch: one filter a subscription. */
function packFilterByFilter(topics: Iterable<Topic>, limits: PackingLimits): SubscriptionContent[] {
  const byLayer = noTopics();
  for (const topic of topics) byLayer[layerOf(topic)].push(topic);
  return layers.flatMap((layer) =>
    chunksByBytes(byLayer[layer], limits).flatMap((chunk) =>
      filtersOf(layer, chunk).map((filter) => ({ topics: chunk, filters: [filter] })),
    ),
  );
}

function chunksByBytes(topics: readonly Topic[], limits: PackingLimits): Topic[][] {
  const widest = topics.reduce((bytes, topic) => Math.max(bytes, topicBytes(topic) / 3), 1);
  const fitting = Math.floor((limits.messageBytes - requestBytes - filterBytes) / widest);
  return chunks(topics, Math.max(1, Math.min(limits.tagsPerFilter, fitting)));
}

/** Cuts a batch of one layer so that each of its filters fits in one message. */
export function batchesOf(topics: readonly Topic[], limits: PackingLimits): Topic[][] {
  return chunksByBytes(topics, limits);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const cut: T[][] = [];
  for (let at = 0; at < items.length; at += size) cut.push(items.slice(at, at + size));
  return cut;
}

/** What one more topic adds to the filters of a message: it stands in three of them, quoted, with a comma. */
function topicBytes(topic: Topic): number {
  return 3 * (utf8Length(JSON.stringify(topic)) + 1);
}

/** A rebuild of all subscriptions of a connection (docs/sync.md §3). */
export type Rebuild = {
  /** Those that were open before and are to go. */
  readonly old: readonly OpenSubscription[];
  /** Those that were opened, or kept, in their place. */
  readonly fresh: readonly OpenSubscription[];
  /** What is still to be opened. */
  readonly target: readonly SubscriptionContent[];
};

/**
 * One step of a rebuild: closes those of the old subscriptions whose topics are all confirmed in fresh ones, and says
 * how much of the target there is room for. Called again whenever one is confirmed or ended.
 */
export function rebuildStep(
  rebuild: Rebuild,
  room: number,
): { readonly open: readonly SubscriptionContent[]; readonly close: readonly string[] } {
  const awaited = new Set(rebuild.target.flatMap((each) => each.topics));
  for (const each of rebuild.fresh) {
    if (each.status === 'opening') for (const topic of each.topics) awaited.add(topic);
  }
  const close = rebuild.old.filter((each) => !each.topics.some((topic) => awaited.has(topic)));
  return {
    open: rebuild.target.slice(0, Math.max(0, room + close.length)),
    close: close.map((each) => each.id),
  };
}
