import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { GitCommand } from '../../src/git/git-command.js';
import { ObjectCopies } from '../../src/hosting/promotion/object-copies.js';
import { deferred, TimeLimitError } from '../../src/lib/abort.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { refsOf, writeCommit } from '../git/scratch.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { client, has } from './client.js';
import { hostingWorld } from './hosting-world.js';

const [owner, other, stranger] = [key(1), key(2), key(3)];
const main = 'refs/heads/main';
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const theirs: RepositoryId = { pubkey: other, identifier: 'r' };
const elsewhere: RepositoryId = { pubkey: other, identifier: 'elsewhere' };

type World = Awaited<ReturnType<typeof hostingWorld>>;

/** Two repositories of maintainers who name one another. */
async function withTwoMaintainers(): Promise<World> {
  const world = await hostingWorld();
  await world.hold(announcement(owner, 'r', { maintainers: [other] }));
  await world.hold(announcement(other, 'r', { maintainers: [owner] }));
  return world;
}

function ofState(...objectIds: string[]) {
  return objectIds.map((objectId) => ({ objectId, pullRequestIds: [], clones: [] }));
}

/** Waits for what nobody waits for. */
async function afterwards(world: World): Promise<void> {
  await world.promotion.ended();
  await world.alignment.idle();
}

/** Whether a command copies objects to that repository. */
function copiesTo(world: World, to: RepositoryId, { gitDir, args }: GitCommand): boolean {
  return gitDir === world.pathOf(to) && args[0] === 'pack-objects';
}

/** What copies have left in the folder for work that is not done. */
function leftBehind(world: World): string[] {
  return readdirSync(join(world.path, '.graspd')).filter((name) => name.startsWith('copy-'));
}

describe('Another repository', () => {
  it('holds up no push while it gets its objects, and follows when it has them', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    await world.hold(state(owner, 'r', [main, first]));
    const [copying, copied] = [deferred<void>(), deferred<void>()];
    const times: number[] = [];
    world.faulty.fault = async (command) => {
      if (!copiesTo(world, theirs, command)) return;
      const { msMax = 0 } = command;
      times.push(msMax);
      if (msMax <= limits.promotionOthersMsMax) throw new TimeLimitError('a copy', msMax);
      copying.resolve();
      await copied.promise;
    };
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    expect(refsOf(world.pathOf(theirs))).toEqual({});
    await copying.promise;
    expect(times).toEqual([limits.promotionOthersMsMax, limits.pushCheckMsMax]);
    const ref = `refs/nostr/${'a'.repeat(64)}`;
    const next = await world.push(repository, { lines: [[ref, second]], pack: mine.pack([second]) });
    expect(next).toEqual(['unpack ok', `ok ${ref}`]);
    copied.resolve();
    await afterwards(world);
    expect(refsOf(world.pathOf(theirs))).toEqual({ [main]: first });
    expect(leftBehind(world)).toEqual([]);
  });

  it.each(['at once', 'later'])(
    'whose announcement is held is announced when it gets its objects %s, and not by a state of nothing',
    async (when) => {
      using mine = client();
      await using world = await hostingWorld();
      const [ours, of] = [
        announcement(owner, 'r', { maintainers: [other] }),
        announcement(other, 'r', { maintainers: [owner] }),
      ];
      await world.hold(ours, of, state(owner, 'r'));
      await afterwards(world);
      expect(world.promoted).not.toContain(of.id);
      const first = mine.commit('one');
      const named = state(owner, 'r', [main, first]);
      await world.hold({ ...named, created_at: named.created_at + 1 });
      world.faulty.fault = async (command) => {
        const { msMax = 0 } = command;
        if (when === 'later' && copiesTo(world, theirs, command) && msMax <= limits.promotionOthersMsMax)
          throw new TimeLimitError('a copy', msMax);
      };
      await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
      expect(world.purgatory.has(of.id)).toBe(when === 'later');
      await afterwards(world);
      expect(refsOf(world.pathOf(theirs))).toEqual({ [main]: first });
      expect(world.promoted.filter((id) => id === of.id)).toHaveLength(1);
      expect([...world.purgatory.all()]).toEqual([]);
    },
  );

  it('on which somebody works follows when that is done', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    const event = pullRequest(stranger, [address(owner, 'r'), address(other, 'r')], [['c', fix]]);
    await world.hold(state(owner, 'r', [main, first]), event);
    const ref = `refs/nostr/${event.id}`;
    const working = deferred<void>();
    const busy = world.parts.locks.use(theirs, world.signal, () => working.promise);
    const lines = [
      [main, first],
      [ref, fix],
    ] as const;
    const report = await world.push(repository, { lines, pack: mine.pack([first, fix]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`, `ok ${ref}`]);
    expect(refsOf(world.pathOf(theirs))).toEqual({});
    working.resolve();
    await busy;
    await afterwards(world);
    expect(refsOf(world.pathOf(theirs))).toEqual({ [main]: first, [ref]: fix });
  });

  it('is pushed to at the same time, and neither push waits for the other for ever', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const first = mine.commit('one');
    await world.hold(state(owner, 'r', [main, first]));
    const push = { lines: [[main, first]] as const, pack: mine.pack([first]) };
    const reports = await Promise.all([repository, theirs].map((one) => world.push(one, push)));
    expect(reports).toEqual([repository, theirs].map(() => ['unpack ok', `ok ${main}`]));
    await afterwards(world);
    expect([repository, theirs].map((one) => refsOf(world.pathOf(one))[main])).toEqual([first, first]);
  });

  it('has no ref of a pull request that is not stored after all', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const fix = mine.commit('fix');
    const event = pullRequest(stranger, [address(owner, 'r'), address(other, 'r')], [['c', fix]]);
    await world.hold(event);
    const ref = `refs/nostr/${event.id}`;
    const set: Record<string, string>[] = [];
    world.onPromote(async ({ id }) => {
      if (id !== event.id) return true;
      set.push(refsOf(world.pathOf(theirs)));
      await world.purgatory.release(id, 'deleted');
      return false;
    });
    await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    await afterwards(world);
    expect([...set, refsOf(world.pathOf(theirs))]).toEqual([{ [ref]: fix }, {}]);
  });

  it('is left for later when the time for all of them is over', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const third = { pubkey: stranger, identifier: 'r' };
    await world.hold(announcement(stranger, 'r'));
    const fix = mine.commit('fix');
    const event = pullRequest(
      stranger,
      [repository, theirs, third].map(({ pubkey }) => address(pubkey, 'r')),
      [['c', fix]],
    );
    await world.hold(event);
    const ref = `refs/nostr/${event.id}`;
    const copies: string[] = [];
    world.faulty.fault = async (command) => {
      if (command.args[0] !== 'pack-objects' || command.gitDir === world.pathOf(repository)) return;
      copies.push(command.gitDir);
      if (command.gitDir === world.pathOf(theirs)) await world.clock.advance(limits.promotionOthersMsMax);
    };
    await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    expect(refsOf(world.pathOf(theirs))).toEqual({ [ref]: fix });
    expect(refsOf(world.pathOf(third))).toEqual({});
    await afterwards(world);
    expect(refsOf(world.pathOf(third))).toEqual({ [ref]: fix });
    expect(copies).toEqual([theirs, third].map((one) => world.pathOf(one)));
  });

  it('of another identifier gets a pull request too, and is not waited for', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    await world.hold(announcement(other, 'elsewhere'));
    const fix = mine.commit('fix');
    const event = pullRequest(stranger, [address(owner, 'r'), address(other, 'elsewhere')], [['c', fix]]);
    await world.hold(event);
    const ref = `refs/nostr/${event.id}`;
    // Somebody has the other identifier all the while.
    const { promise, resolve } = deferred<void>();
    const busy = world.parts.locks.use(elsewhere, world.signal, () => promise);
    const report = await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    expect(report).toEqual(['unpack ok', `ok ${ref}`]);
    expect(world.promoted).toContain(event.id);
    expect(refsOf(world.pathOf(repository))).toEqual({ [ref]: fix });
    expect(has(world.pathOf(elsewhere), fix)).toBe(false);
    resolve();
    await busy;
    await afterwards(world);
    expect(refsOf(world.pathOf(elsewhere))).toEqual({ [ref]: fix });
  });

  it('that lacks something gets it from those of its maintainers here', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    const first = mine.commit('one');
    await world.hold(state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    await afterwards(world);
    rmSync(world.pathOf(theirs), { recursive: true });
    world.alignment.objectsArrived(theirs);
    await world.alignment.idle();
    expect(refsOf(world.pathOf(theirs))).toEqual({});
    const parties = new Set<string | undefined>();
    world.faulty.fault = ({ msMax = 0, party }) => {
      if (msMax > limits.gitMsMax) parties.add(party);
    };
    expect(await world.promotion.copyFromOthers(theirs, ofState(first, 'd'.repeat(40)))).toBe(true);
    expect([...parties]).toEqual(['copies']);
    world.alignment.objectsArrived(theirs);
    await world.alignment.idle();
    expect(refsOf(world.pathOf(theirs))).toEqual({ [main]: first });
    expect(await world.promotion.copyFromOthers(theirs, ofState('d'.repeat(40)))).toBe(false);
  });

  it('takes in nothing that was fetched for it when it is gone', async () => {
    await using world = await withTwoMaintainers();
    let moves = 0;
    const move = async () => {
      moves += 1;
    };
    await world.promotion.takeIn(theirs, true, move);
    expect(moves).toBe(1);
    rmSync(world.pathOf(theirs), { recursive: true });
    await world.promotion.takeIn(theirs, true, move);
    await world.promotion.takeIn({ pubkey: stranger, identifier: 'r' }, true, move);
    expect(moves).toBe(1);
    expect(existsSync(world.pathOf(theirs))).toBe(false);
  });

  it('gets nothing that is not wanted any more when its turn comes', async () => {
    using mine = client();
    await using world = await withTwoMaintainers();
    await world.hold(announcement(other, 'elsewhere'));
    const fix = mine.commit('fix');
    const event = pullRequest(stranger, [address(owner, 'r'), address(other, 'elsewhere')], [['c', fix]]);
    await world.hold(event);
    const copying = deferred<void>();
    world.faulty.fault = async (command) => {
      if (copiesTo(world, elsewhere, command)) await copying.promise;
    };
    await world.push(repository, { lines: [[`refs/nostr/${event.id}`, fix]], pack: mine.pack([fix]) });
    world.store.remove(event.id);
    copying.resolve();
    await afterwards(world);
    expect(has(world.pathOf(elsewhere), fix)).toBe(false);
    expect(leftBehind(world)).toEqual([]);
  });
});

describe('ObjectCopies', () => {
  it('leave nothing behind when they are ended, and take no more than there is room for', async () => {
    await using world = await withTwoMaintainers();
    const first = writeCommit(world.pathOf(repository), 'one');
    const room = { bytes: 10 };
    const { parts, streams } = world;
    const copies = new ObjectCopies(
      { ...parts, streams, roomFor: () => room.bytes, onPack: () => {}, onShared: () => {} },
      Number.POSITIVE_INFINITY,
      false,
    );
    const copy = { from: repository, to: theirs, objectIds: [first] };
    const terms = { signal: world.signal, moveIn: (move: () => Promise<void>) => move() };
    world.faulty.fault = async (command) => {
      if (copiesTo(world, theirs, command)) throw new TimeLimitError('a copy', 1);
    };
    expect(await copies.copy(copy, { ...terms, msMax: 1 })).toBe('late');
    world.faulty.fault = async () => {};
    expect(leftBehind(world)).toEqual([]);
    expect(await copies.copy(copy, { ...terms, msMax: 60_000 })).toBe('no-room');
    expect(leftBehind(world)).toEqual([]);
    expect(has(world.pathOf(theirs), first)).toBe(false);
    room.bytes = 10_000;
    expect(await copies.copy(copy, { ...terms, msMax: 60_000 })).toBe('here');
    expect(has(world.pathOf(theirs), first)).toBe(true);
    expect(leftBehind(world)).toEqual([]);
  });
});
