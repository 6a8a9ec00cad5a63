import type { Filter, TagKey } from '../../nostr/filter.js';
import { kinds } from '../../nostr/kinds.js';

/**
 * What is asked of a relay is a set of topics (docs/sync.md §3): all announcements and states (layer 1), the address of a
 * repository (2), the id of a root (3), an author (4); or whatever it holds, in the place of all of them (scope.ts). Live
 * subscriptions and catch-up make their filters from topics.
 *
 * A topic is the key of maps with a hundred thousand of them, so it is a string; `parseTopic` says what it is.
 */
export type Topic = string;

export type ParsedTopic =
  | { readonly type: 'everything' }
  | { readonly type: 'announcements' }
  | { readonly type: 'repository'; readonly address: string }
  | { readonly type: 'root'; readonly id: string }
  | { readonly type: 'author'; readonly pubkey: string };

/** Topics of one sort are asked for in the same filters. */
export type Layer = ParsedTopic['type'];

/** In the order in which they are asked for. */
export const layers: readonly Layer[] = ['everything', 'announcements', 'repository', 'root', 'author'];

export const everythingTopic: Topic = 'everything';
export const announcementsTopic: Topic = 'announcements';

const idCharacters = 64;
const authorPrefix = '@';

/** The deletions and the service list of an author, by public key in hex. */
export function authorTopic(pubkey: string): Topic {
  return authorPrefix + pubkey;
}

/** The same as the type of `parseTopic`, for many. */
export function layerOf(topic: Topic): Layer {
  // Addresses are longer than ids: the kind and the author alone are.
  if (topic.length === idCharacters) return 'root';
  if (topic === everythingTopic) return 'everything';
  if (topic === announcementsTopic) return 'announcements';
  return topic.startsWith(authorPrefix) ? 'author' : 'repository';
}

export function parseTopic(topic: Topic): ParsedTopic {
  const type = layerOf(topic);
  switch (type) {
    case 'repository':
      return { type, address: topic };
    case 'root':
      return { type, id: topic };
    case 'author':
      return { type, pubkey: topic.slice(authorPrefix.length) };
    default:
      return { type };
  }
}

/** What belongs to no repository is asked about on every relay. */
export const everywhere: unique symbol = Symbol('everywhere');

/** What is asked about together: a repository, by its number, with its roots and authors, or what belongs to none. */
export type Home = number | typeof everywhere;

/** Why a catch-up runs (docs/sync.md §5): its source label and its pace follow from it. */
export type CatchupTrigger = 'start' | 'reconnect' | 'daily';

/** In the order in which they are served: history that we never had first. */
export const catchupTriggers: readonly CatchupTrigger[] = ['start', 'reconnect', 'daily'];

/** The kinds that layer 1 asks for. */
export const announcementKinds: readonly number[] = [kinds.repositoryAnnouncement, kinds.repositoryState];

/** The kinds that layer 4 asks for: they hang on nothing, so nothing but their author leads to them. */
export const authorKinds: readonly number[] = [kinds.deletion, kinds.userGraspList];

const tagKeysOf: Readonly<Record<'repository' | 'root', readonly TagKey[]>> = {
  repository: ['#a', '#A', '#q'],
  root: ['#e', '#E', '#q'],
};

/** How many filters ask for a batch of topics of a layer. */
export const filtersPerBatch: Readonly<Record<Layer, number>> = {
  everything: 1,
  announcements: 1,
  repository: 3,
  root: 3,
  author: 1,
};

/** The filters that ask for topics of one layer, as many as `filtersPerBatch` says. */
export function filtersOf(layer: Layer, topics: readonly Topic[]): Filter[] {
  if (topics.length === 0) return [];
  switch (layer) {
    case 'everything':
      return [{}];
    case 'announcements':
      return [{ kinds: [...announcementKinds] }];
    case 'author':
      return [{ kinds: [...authorKinds], authors: topics.map((topic) => topic.slice(authorPrefix.length)) }];
    default:
      return tagKeysOf[layer].map((key) => ({ [key]: [...topics] }));
  }
}

/** The filters of one REQ, and the topics that they ask about. */
export type SubscriptionContent = { readonly topics: readonly Topic[]; readonly filters: readonly Filter[] };
