import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { announcement, comment, event, issue, pubkey, startSeconds } from './support/events.js';
import { World } from './support/world.js';

const url = 'wss://relay.example';
const second = 1_000;

const owner = pubkey(1);
const maintainer = pubkey(2);
const asker = pubkey(3);
const commenter = pubkey(4);
const answerer = pubkey(5);

/** A repository with a maintainer's state and a thread of three depths, and how each author deletes theirs. */
function thread() {
  const plain = announcement('repo', [url], { pubkey: owner });
  const repository = event({ ...plain, tags: [...plain.tags, ['maintainers', maintainer]] });
  const state = event({ kind: 30618, pubkey: maintainer, tags: [['d', 'repo']] });
  const root = issue(repository, { pubkey: asker });
  const first = comment(root, { pubkey: commenter });
  const answer = event({
    kind: 1111,
    pubkey: answerer,
    tags: [
      ['E', root.id],
      ['e', first.id],
    ],
  });
  const said = [state, root, first, answer];
  return { repository, said, deletions: said.map(deletionOf) };
}

/** As clients write it: it names what it deletes, and nothing that layers 2 and 3 ask for. */
function deletionOf({ kind, id, pubkey }: NostrEvent): NostrEvent {
  const tag = kind === 30618 ? ['a', `30618:${pubkey}:repo`] : ['e', id];
  return event({ kind: 5, pubkey, created_at: startSeconds + 3_600, tags: [tag] });
}

const leftOf = (world: World, events: readonly NostrEvent[]) =>
  events.filter(({ id }) => world.store.has(id)).map(({ kind }) => kind);

describe('people: deletions and service lists by the authors of what is stored (docs/sync.md §3)', () => {
  it('deletions of every depth come by catch-up', async () => {
    const world = new World();
    const { repository, said, deletions } = thread();
    await world.submit(repository, ...said);
    expect(leftOf(world, said).length).toBe(4);
    world.relay(url).events.push(...deletions);
    world.start();
    await world.advance(60 * second);
    expect(leftOf(world, said)).toEqual([]);
    expect(leftOf(world, deletions).length).toBe(4);
    await world.stop();
  });

  it('and live, also of what came a moment ago', async () => {
    const world = new World();
    const { repository, said, deletions } = thread();
    world.start();
    await world.submit(repository);
    await world.advance(60 * second);
    for (const each of said) world.relay(url).publish(each);
    await world.advance(30 * second);
    expect(leftOf(world, said).length).toBe(4);
    for (const each of deletions) world.relay(url).publish(each);
    await world.advance(second);
    expect(leftOf(world, said)).toEqual([]);
    await world.stop();
  });

  it('the lists of those authors come too, and of nobody else', async () => {
    const world = new World();
    const { repository, said } = thread();
    const lists = [owner, maintainer, asker, commenter, answerer].map((pubkey) =>
      event({ kind: 10317, pubkey, tags: [['g', url]] }),
    );
    const strangers = event({ kind: 10317, pubkey: pubkey(99), tags: [['g', url]] });
    world.relay(url).events.push(repository, ...said, ...lists, strangers);
    await world.submit(repository);
    world.start();
    await world.advance(120 * second);
    expect(leftOf(world, lists).length).toBe(5);
    expect(world.store.has(strangers.id)).toBe(false);
    await world.stop();
  });

  it('a hundred authors are one filter, and a relay is not asked about authors of other relays', async () => {
    const world = new World();
    const relay = world.relay(url);
    const here = announcement('here', [url]);
    const there = announcement('there', ['wss://other.example'], { pubkey: pubkey(7) });
    const root = issue(here);
    const comments = Array.from({ length: 150 }, (_, at) =>
      comment(root, { pubkey: at.toString(16).padStart(64, '0') }),
    );
    await world.submit(here, there, root, ...comments);
    world.start();
    await world.advance(60 * second);
    const authors = relay
      .live()
      .map((filter) => filter.authors)
      .filter((list) => list !== undefined);
    expect(authors.map((list) => list.length)).toEqual([100, 51]);
    expect(authors.flat()).not.toContain(pubkey(7));
    await world.stop();
  });
});
