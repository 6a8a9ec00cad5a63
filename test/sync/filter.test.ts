import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { Links } from '../../src/lib/collections/links.js';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { OwnService } from '../../src/nostr/relay-url.js';
import { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { RootGraph } from '../../src/repositories/root-graph.js';
import { Discovery } from '../../src/sync/topics/discovery.js';
import { FilterService } from '../../src/sync/topics/filter-service.js';
import { announcementsTopic, authorTopic, everywhere, type Topic } from '../../src/sync/topics/layers.js';
import { endlessTurn, SteppedTurns } from '../support/work-turns.js';
import { addressOf, announcement, event, issue, pubkey } from './support/events.js';

fc.configureGlobal({ seed: 20260101 });

const bootstrap = 'wss://bootstrap.example';
const one = 'wss://one.example';
const two = 'wss://two.example';

/** Filters as they follow what is stored. */
function service(serves: (identifier: string) => boolean = () => true, turns: WorkTurns = endlessTurn) {
  const ownService = new OwnService('grasp.example', '127.0.0.1:7334');
  const discovery = new Discovery({ ownService, bootstrapRelays: [bootstrap], relaysMax: 100 });
  const directory = new RepositoryDirectory({
    serves: ({ identifier }) => serves(identifier),
    awaitsGitData: () => false,
    isOwnService: (url) => ownService.isNamedBy(url),
  });
  const filters = new FilterService({ discovery, directory, turns });
  const add = (event: NostrEvent) => {
    if (event.kind !== 30617) return filters.roots.addRoot(event);
    directory.onStored(event);
    filters.follow(addressOf(event));
  };
  const remove = (event: NostrEvent) => {
    directory.onRemoved([{ ...event, bytes: 0 }]);
    filters.remove(event.id);
  };
  return { discovery, filters, add, remove, changes: told(filters) };
}

/** What three relays are told, as they keep it: `changes` gives what has changed of that since it was called last. */
function told(filters: FilterService) {
  const known = new Map([bootstrap, one, two].map((relay) => [relay, new Set([announcementsTopic])]));
  return () => {
    const changed = new Map<string, { added: Set<Topic>; removed: Set<Topic> }>();
    for (const { topics, relays } of filters.takeChanges()) {
      for (const topic of topics) {
        for (const relay of relays === everywhere ? known.keys() : relays) {
          const isWanted = filters.wants(relay, topic);
          const wanted = known.get(relay);
          if (wanted === undefined || wanted.has(topic) === isWanted) continue;
          const changes = changed.get(relay) ?? { added: new Set(), removed: new Set() };
          changed.set(relay, changes);
          (isWanted ? changes.added : changes.removed).add(topic);
          if (isWanted) wanted.add(topic);
          else wanted.delete(topic);
        }
      }
    }
    return changed;
  };
}

const count = (filters: FilterService, relay: string) => [...filters.topicsOf(relay)].length;
const topics = (filters: FilterService, relay: string) => [...filters.topicsOf(relay)].sort();

describe('layers, one source of truth (docs/sync.md §3)', () => {
  it('layer 1: announcements and states are asked of every relay', () => {
    const { filters } = service();
    expect(topics(filters, 'wss://any.example')).toEqual([announcementsTopic]);
  });

  it('layer 2: a repository is asked of the relays that its announcement lists, and of bootstrap relays', () => {
    const { filters, add } = service();
    const repository = announcement('repo', [one]);
    add(repository);
    expect(topics(filters, one)).toContain(addressOf(repository));
    expect(topics(filters, bootstrap)).toContain(addressOf(repository));
    expect(topics(filters, two)).not.toContain(addressOf(repository));
  });

  it('layer 2: a repository that we do not serve is not asked about, though its relays are tracked', () => {
    const { filters, discovery, add } = service((identifier) => identifier !== 'other');
    add(announcement('other', [one]));
    expect(topics(filters, one)).toEqual([announcementsTopic]);
    expect(topics(filters, bootstrap)).toEqual([announcementsTopic]);
    expect(discovery.tracked()).toContain(one);
  });

  it('layer 3: a root is asked of the relays of its repository, by whichever order they arrive', () => {
    const repository = announcement('repo', [one]);
    const root = issue(repository);
    for (const order of [
      [repository, root],
      [root, repository],
    ]) {
      const { filters, add } = service();
      for (const each of order) add(each);
      expect(topics(filters, one)).toContain(root.id);
      expect(topics(filters, bootstrap)).toContain(root.id);
      expect(topics(filters, two)).not.toContain(root.id);
    }
  });

  it('layer 3: a root belongs to the repositories of the roots that it refers to, in any order', () => {
    const repository = announcement('repo', [one]);
    const first = issue(repository);
    const reply = event({ kind: 1622, tags: [['e', first.id]] });
    const status = event({ kind: 1630, tags: [['e', reply.id]] });
    fc.assert(
      fc.property(fc.shuffledSubarray([repository, first, reply, status], { minLength: 4 }), (order) => {
        const { filters, add } = service();
        for (const each of order) add(each);
        expect(topics(filters, one)).toEqual(
          [announcementsTopic, addressOf(repository), first.id, reply.id, status.id].sort(),
        );
        expect(topics(filters, two)).toEqual([announcementsTopic]);
      }),
    );
  });

  it('layer 3: a stored root that belongs to no stored repository is asked for everywhere', () => {
    const { filters, add, changes } = service();
    const stray = event({ kind: 1617, tags: [] });
    add(stray);
    expect(topics(filters, two)).toContain(stray.id);
    const changed = changes();
    for (const relay of [bootstrap, one, two]) expect(changed.get(relay)?.added).toEqual(new Set([stray.id]));
  });

  it('are asked for everywhere up to a number, where very many belong to no repository any more', () => {
    const { filters, add, remove, changes } = service();
    const repository = announcement('repo', [one]);
    const issues = Array.from({ length: limits.syncOrphansMax + 100 }, () => issue(repository));
    for (const each of [repository, ...issues]) add(each);
    changes();
    remove(repository);
    expect(count(filters, two)).toBe(1 + limits.syncOrphansMax);
    expect(changes().get(two)?.added.size).toBe(limits.syncOrphansMax);
    const again = announcement('repo', [one], { created_at: repository.created_at + 1 });
    add(again);
    expect(topics(filters, one)).toEqual(
      [announcementsTopic, addressOf(again), ...issues.map(({ id }) => id)].sort(),
    );
    expect(count(filters, two)).toBe(1);
  });
});

describe('layer 4: people (docs/sync.md §3)', () => {
  const repository = announcement('repo', [one]);
  const root = issue(repository, { pubkey: pubkey(1) });
  const commenter = authorTopic(pubkey(2));

  it('an author is asked about wherever what they wrote about is, in whatever order that came', () => {
    for (const isRootFirst of [true, false]) {
      const { filters, add } = service();
      if (isRootFirst) add(root);
      if (isRootFirst) filters.addAuthor(pubkey(2), root.id);
      add(repository);
      add(root);
      filters.addAuthor(pubkey(2), root.id);
      filters.addAuthor(pubkey(3), addressOf(repository));
      for (const relay of [one, bootstrap])
        expect(topics(filters, relay)).toEqual(
          [announcementsTopic, addressOf(repository), root.id, commenter, authorTopic(pubkey(3))].sort(),
        );
      expect(topics(filters, two)).toEqual([announcementsTopic]);
      expect(filters.wants(one, commenter)).toBe(true);
      expect(filters.wants(two, commenter)).toBe(false);
      expect(count(filters, one)).toBe(5);
    }
  });

  it('of a stored root that belongs to no stored repository, everywhere', () => {
    const { filters, add } = service();
    add(root);
    filters.addAuthor(pubkey(2), root.id);
    expect(topics(filters, two)).toEqual([announcementsTopic, root.id, commenter].sort());
    expect(count(filters, two)).toBe(3);
  });

  it('is a change once, and leaves with the last of what the author wrote about', () => {
    const { filters, add, remove, changes } = service();
    add(repository);
    add(root);
    filters.addAuthor(pubkey(2), root.id);
    filters.addAuthor(pubkey(2), root.id);
    filters.addAuthor(pubkey(2), addressOf(repository));
    expect(changes().get(one)?.added).toContain(commenter);
    remove(root);
    expect(changes().get(one)).toEqual({ added: new Set(), removed: new Set([root.id]) });
    remove(repository);
    expect(changes().get(one)?.removed).toEqual(new Set([addressOf(repository), commenter]));
    expect(topics(filters, one)).toEqual([announcementsTopic]);
  });

  it('is nobody who wrote about something that is not followed', () => {
    const { filters, changes } = service();
    filters.addAuthor(pubkey(2), root.id);
    filters.addAuthor(pubkey(2), addressOf(repository));
    expect(changes().size).toBe(0);
  });

  it('has no more than a bounded number of authors of one root', () => {
    const { filters, add } = service();
    add(repository);
    add(root);
    for (let number = 0; number <= limits.syncAuthorsPerTopicMax; number += 1)
      filters.addAuthor(number.toString(16).padStart(64, '0'), root.id);
    expect(count(filters, one)).toBe(3 + limits.syncAuthorsPerTopicMax);
  });
});

describe('filters follow what is stored, incrementally (docs/sync.md §3)', () => {
  it('gives each change once, and what came and went in one window not at all', () => {
    const { add, remove, changes } = service();
    const kept = announcement('kept', [one]);
    const gone = announcement('gone', [one]);
    add(kept);
    add(gone);
    remove(gone);
    expect(changes().get(one)).toEqual({ added: new Set([addressOf(kept)]), removed: new Set() });
    expect(changes().size).toBe(0);
  });

  it('asks new relays and leaves old ones when an announcement is replaced, its roots with it', () => {
    const { discovery, add, remove, changes } = service();
    const before = announcement('repo', [one]);
    const root = issue(before);
    add(before);
    add(root);
    changes();
    const after = announcement('repo', [two], { created_at: before.created_at + 1 });
    add(after);
    remove(before);
    const changed = changes();
    expect(changed.get(two)?.added).toEqual(new Set([addressOf(after), root.id]));
    expect(changed.get(one)?.removed).toEqual(new Set([addressOf(after), root.id]));
    expect(changed.get(bootstrap)).toBeUndefined();
    expect([...discovery.tracked()].sort()).toEqual([bootstrap, two]);
  });

  it('ends where it would be if it had only ever seen what is left', () => {
    const pool = [0, 1, 2, 3].flatMap((number) => {
      const repository = announcement(`repo-${number}`, [one, two].slice(0, 1 + (number % 2)), {
        pubkey: pubkey(number),
      });
      const root = issue(repository);
      return [repository, root, event({ kind: 1622, tags: [['e', root.id]] })];
    });
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(pool.length - 1), isRemoved: fc.boolean() }), { maxLength: 60 }),
        (steps) => {
          const { filters, discovery, add, remove } = service();
          const left = new Map<string, NostrEvent>();
          for (const { at, isRemoved } of steps) {
            const each = pool[at] as NostrEvent;
            if (isRemoved) {
              remove(each);
              left.delete(each.id);
            } else {
              add(each);
              left.set(each.id, each);
            }
          }
          const fresh = service();
          for (const each of left.values()) fresh.add(each);
          // What a removed root passed on to others stays with them; nothing else may differ.
          for (const relay of [bootstrap, one, two]) {
            const expected = topics(fresh.filters, relay).filter(
              (topic) => !fresh.filters.wants('wss://none.example', topic),
            );
            for (const topic of expected) expect(topics(filters, relay)).toContain(topic);
            for (const topic of topics(filters, relay)) {
              const isLeft = topic === announcementsTopic || left.has(topic) || topic.startsWith('30617:');
              expect(isLeft).toBe(true);
            }
          }
          expect(discovery.tracked()).toEqual(fresh.discovery.tracked());
          expect(filters.repositories).toBe(fresh.filters.repositories);
          expect(filters.roots.size).toBe(fresh.filters.roots.size);
        },
      ),
    );
  });

  it('what a replaced announcement with 10,000 roots costs does not grow with the relays that it names', () => {
    const relays = (name: string) =>
      Array.from({ length: limits.syncRelaysPerAnnouncementMax }, (_, n) => `wss://${name}-${n}.example`);
    const roots = 10_000;
    const { filters, add } = service();
    const before = announcement('repo', relays('before'));
    add(before);
    for (let number = 0; number < roots; number += 1) {
      add(issue(before, { content: `${number}` }));
    }
    for (const root of filters.topicsOf(relays('before')[0] as string))
      for (const author of [1, 2]) filters.addAuthor(pubkey(author), root);
    for (const _ of filters.takeChanges());
    const names = vi.spyOn(RootGraph.prototype, 'idOf');
    const walks = vi.spyOn(Links.prototype, 'ofLeft');
    const work = () => names.mock.calls.length + walks.mock.calls.length;
    try {
      add(announcement('repo', relays('after'), { created_at: before.created_at + 1 }));
      expect(work()).toBe(0);
      const changes = [...filters.takeChanges()];
      expect(changes.map(({ topics }) => [...topics].length)).toEqual([1 + roots + 2]);
      expect(work()).toBe(0);
      expect(changes.map((each) => (each.relays as string[]).length)).toEqual([
        2 * limits.syncRelaysPerAnnouncementMax,
      ]);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('takes a root to which 140,000 others refer, whichever comes first', () => {
    const { filters, add } = service();
    const repository = announcement('repo', [one]);
    const root = issue(repository);
    const replies = Array.from({ length: 140_000 }, (_, number) => number.toString(16).padStart(64, '0'));
    for (const reply of replies) {
      filters.roots.addParent(reply, root.id);
      filters.roots.enterRoot(reply);
    }
    add(repository);
    add(root);
    expect(count(filters, one)).toBe(3 + replies.length);
  });

  it('what comes or goes with a repository, or a root, of very many roots does so a root a turn', async () => {
    const turns = new SteppedTurns();
    const { filters, add, remove, changes } = service(undefined, turns);
    const repository = announcement('repo', [one]);
    const root = issue(repository);
    const issues = Array.from({ length: 200 }, () => issue(repository));
    const replies = Array.from({ length: 200 }, () => event({ kind: 1621, tags: [['e', root.id]] }));
    for (const each of [...issues, ...replies, root]) add(each);
    const all = [...issues, ...replies, root].map(({ id }) => id);
    expect(filters.roots.orphans.size).toBe(all.length);
    changes();
    const joined = () => all.length - filters.roots.orphans.size;
    add(repository);
    for (let before = joined(); joined() < all.length; before = joined()) {
      expect(await turns.step()).toBe(true);
      expect(joined() - before).toBeLessThanOrEqual(1);
    }
    await turns.finish();
    expect(changes().get(one)).toEqual({ added: new Set([addressOf(repository)]), removed: new Set() });
    expect(changes().get(two)).toBeUndefined();
    expect(topics(filters, two)).toEqual([announcementsTopic]);

    remove(repository);
    expect(joined()).toBeGreaterThanOrEqual(all.length - 1);
    // What was the repository's is asked of its relays no longer, at once.
    expect(all.filter((id) => filters.wants(one, id)).length).toBeLessThanOrEqual(1);
    expect(changes().get(one)?.removed.size).toBeGreaterThanOrEqual(all.length);
    for (let turn = 0; turn < 10; turn += 1) await turns.step();
    const again = announcement('repo', [two], { created_at: repository.created_at + 1 });
    add(again);
    const late = issue(again);
    add(late);
    expect(await turns.finish()).toBeGreaterThan(all.length);
    changes();
    expect(topics(filters, two)).toEqual([announcementsTopic, addressOf(again), ...all, late.id].sort());
    expect(topics(filters, one)).toEqual([announcementsTopic]);
    remove(again);
    await turns.finish();
    expect(filters.roots.orphans.size).toBe(all.length + 1);
    expect(filters.roots.findAddress(addressOf(again))).toBeGreaterThanOrEqual(0);
    for (const each of [...issues, ...replies, root, late]) remove(each);
    expect(filters.roots.findAddress(addressOf(again))).toBe(-1);
  });

  it('adding the 2,000th repository changes as little as adding the 10th did', () => {
    const { filters, add } = service();
    for (let number = 0; number < 2_000; number += 1) {
      add(announcement(`repo-${number}`, [`wss://relay-${number % 7}.example`]));
      const changed = [...filters.takeChanges()].reduce(
        (sum, { topics, relays }) => sum + [...topics].length * (relays as string[]).length,
        0,
      );
      expect(changed).toBe(2);
    }
  });
});
