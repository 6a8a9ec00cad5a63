import type { Filter, TagKey } from '../../nostr/filter.js';
import { kinds } from '../../nostr/kinds.js';

/**
 * What is asked of a relay is a set of topics (docs/sync.md §3): the one topic of layer 1, the address of a repository
 * for layer 2, the id of a root for layer 3, an author for layer 4. Live subscriptions and catch-up make their filters
 * from topics.
 */
export type Topic = string;

/** In the place of all layers: whatever the relay holds (scope.ts). */
export const everythingTopic: Topic = '**';

/** Layer 1: all announcements and states. */
export const announcementsTopic: Topic = '*';

/** 0 stands for everything, in the place of the others. */
export type Layer = 0 | 1 | 2 | 3 | 4;

export const layers: readonly Layer[] = [0, 1, 2, 3, 4];

const idCharacters = 64;
const authorSign = '@';

/** Layer 4: the deletions and the service list of an author, by public key in hex. */
export function authorTopic(pubkey: string): Topic {
  return authorSign + pubkey;
}

/** The public key of a topic of layer 4; `undefined` for others. */
export function authorOfTopic(topic: Topic): string | undefined {
  return topic.startsWith(authorSign) ? topic.slice(authorSign.length) : undefined;
}

export function layerOf(topic: Topic): Layer {
  if (topic === everythingTopic) return 0;
  if (topic === announcementsTopic) return 1;
  if (topic.startsWith(authorSign)) return 4;
  // Addresses are longer than ids: the kind and the author alone are.
  return topic.length === idCharacters ? 3 : 2;
}

/** The kinds that layer 1 asks for. */
export const layer1Kinds: readonly number[] = [kinds.repositoryAnnouncement, kinds.repositoryState];

/** The kinds that layer 4 asks for: they hang on nothing, so nothing but their author leads to them. */
export const layer4Kinds: readonly number[] = [kinds.deletion, kinds.userGraspList];

const tagKeysOfLayer: Readonly<Record<2 | 3, readonly TagKey[]>> = {
  2: ['#a', '#A', '#q'],
  3: ['#e', '#E', '#q'],
};

/** How many filters ask for a batch of topics of a layer. */
export const filtersPerBatch: Readonly<Record<Layer, number>> = { 0: 1, 1: 1, 2: 3, 3: 3, 4: 1 };

/** The filters that ask for topics of one layer, as many as `filtersPerBatch` says. */
export function filtersOf(layer: Layer, topics: readonly Topic[]): Filter[] {
  if (topics.length === 0) return [];
  if (layer === 0) return [{}];
  if (layer === 1) return [{ kinds: [...layer1Kinds] }];
  if (layer === 4)
    return [{ kinds: [...layer4Kinds], authors: topics.flatMap((topic) => authorOfTopic(topic) ?? []) }];
  return tagKeysOfLayer[layer].map((key) => ({ [key]: [...topics] }));
}
