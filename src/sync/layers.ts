import type { Filter, TagKey } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';

/**
 * What is asked of a relay is a set of topics (docs/sync.md §3): the one topic of layer 1, the address of a repository
 * for layer 2, the id of a root for layer 3. Live subscriptions and catch-up make their filters from topics.
 */
export type Topic = string;

/** In the place of all layers: whatever the relay holds (scope.ts). */
export const everythingTopic: Topic = '**';

/** Layer 1: all announcements and states. */
export const announcementsTopic: Topic = '*';

/** 0 stands for everything, in the place of the three. */
export type Layer = 0 | 1 | 2 | 3;

export const layers: readonly Layer[] = [0, 1, 2, 3];

const idCharacters = 64;

export function layerOf(topic: Topic): Layer {
  if (topic === everythingTopic) return 0;
  if (topic === announcementsTopic) return 1;
  // Addresses are longer than ids: the kind and the author alone are.
  return topic.length === idCharacters ? 3 : 2;
}

/** The kinds that layer 1 asks for. */
export const layer1Kinds: readonly number[] = [kinds.repositoryAnnouncement, kinds.repositoryState];

const tagKeysOfLayer: Readonly<Record<2 | 3, readonly TagKey[]>> = {
  2: ['#a', '#A', '#q'],
  3: ['#e', '#E', '#q'],
};

/** The filters that ask for topics of one layer: one for everything and layer 1, three for a batch of layers 2 and 3. */
export function filtersOf(layer: Layer, topics: readonly Topic[]): Filter[] {
  if (topics.length === 0) return [];
  if (layer === 0) return [{}];
  if (layer === 1) return [{ kinds: [...layer1Kinds] }];
  return tagKeysOfLayer[layer].map((key) => ({ [key]: [...topics] }));
}
