import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { deferred, TimeLimitError } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, refsOf, writeBlob } from '../git/scratch.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { client, has } from './client.js';
import { hostingWorld } from './hosting-world.js';
import { deltaBomb, thinPack } from './packs.js';

const [owner, stranger] = [key(1), key(3)];
const main = 'refs/heads/main';
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const theirs: RepositoryId = { pubkey: stranger, identifier: 'r' };

/** A repository with one commit on its branch. */
async function withCommit(mine: ReturnType<typeof client>) {
  const world = await hostingWorld();
  const first = mine.commit('one');
  await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
  await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
  return { world, first };
}

function refOf({ id }: { readonly id: string }): string {
  return `refs/nostr/${id}`;
}

describe('A stranger', () => {
  it('makes pushes no slower by pull requests whose commits never come', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const commandsOf = async (message: string) => {
      const fix = mine.commit(message);
      const before = world.faulty.ran.length;
      await world.push(repository, {
        lines: [[refOf({ id: fix.padEnd(64, '0') }), fix]],
        pack: mine.pack([fix]),
      });
      return world.faulty.ran.length - before;
    };
    const few = [1, 2].map((n) =>
      pullRequest(stranger, [address(owner, 'r')], [['c', String(n).repeat(40)]]),
    );
    await world.hold(...few);
    const withFew = await commandsOf('a');
    const commits = Array.from({ length: 30 }, (_unused, n) => String(n + 10).padStart(40, '0'));
    await world.hold(...commits.map((c) => pullRequest(stranger, [address(owner, 'r')], [['c', c]])));
    expect(await commandsOf('b')).toBe(withFew);
  });

  it('has no git run by a state for repositories to which nothing was pushed, however many name its author', async () => {
    await using world = await hostingWorld();
    const strangers = [10, 11, 12, 13].map(key);
    await world.hold(...strangers.map((pubkey) => announcement(pubkey, 'r', { maintainers: [stranger] })));
    const before = world.faulty.ran.length;
    const tags = [
      [main, '1'.repeat(40)],
      ['HEAD', `ref: ${main}`],
    ];
    expect(await world.hold(state(stranger, 'r', ...tags))).toEqual(['waits']);
    expect(world.faulty.ran.slice(before)).toEqual([]);
  });

  it('has no held state looked at with the pushes of others, and those of maintainers are taken apart once', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    const second = key(2);
    await world.hold(announcement(owner, 'r', { maintainers: [second] }), announcement(stranger, 'r'));
    // What the newest says of `HEAD` is looked up.
    const older = watched(state(second, 'r', [main, 'a'.repeat(40)]));
    const foreign = watched(state(stranger, 'r', [main, 'b'.repeat(40)]));
    await world.hold(older.event, foreign.event, state(owner, 'r', [main, first]));
    const before = [older.reads('tags'), foreign.reads()];
    const lines = [[refOf({ id: 'a'.repeat(64) }), fix]] as const;
    const report = await world.push(repository, { lines, pack: mine.pack([fix]) });
    expect(report[0]).toBe('unpack ok');
    expect([older.reads('tags'), foreign.reads()]).toEqual(before);
  });

  it('is who a look through all of its push counts for', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const parties = new Set<string | undefined>();
    world.faulty.fault = ({ msMax = 0, party }) => {
      if (msMax > limits.gitMsMax) parties.add(party);
    };
    const fix = mine.commit('fix');
    const lines = [[refOf({ id: 'a'.repeat(64) }), fix]] as const;
    await world.push(repository, { lines, pack: mine.pack([fix]), addressGroup: '192.0.2.7' });
    expect([...parties]).toEqual(['192.0.2.7']);
  });

  it('leaves no ref behind with a pull request that is not stored after all', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const fix = mine.commit('fix');
    const event = pullRequest(stranger, [address(owner, 'r')], [['c', fix]]);
    await world.hold(event);
    world.onPromote(async ({ id }) => {
      if (id !== event.id) return true;
      // Its author deletes it at that very moment.
      await world.purgatory.release(id, 'deleted');
      return false;
    });
    await world.push(repository, { lines: [[refOf(event), fix]], pack: mine.pack([fix]) });
    expect(Object.keys(refsOf(world.pathOf(repository)))).toEqual([main]);
  });

  it('fills no repository of others with what a pull request brings, and is not stopped by one that fails', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const owners = [4, 5, 6].map(key);
    const [full, broken, fine] = owners.map((pubkey) => ({ pubkey, identifier: 'r' })) as [
      RepositoryId,
      RepositoryId,
      RepositoryId,
    ];
    await world.hold(...owners.map((pubkey) => announcement(pubkey, 'r')));
    world.limitRoom(({ pubkey }) => (pubkey === full.pubkey ? 0 : 1_000_000));
    world.faulty.fault = ({ gitDir, args }) => {
      if (gitDir === world.pathOf(broken) && args.includes('pack-objects')) throw new Error('no');
    };
    const fix = mine.commit('fix');
    const named = [owner, ...owners].map((pubkey) => address(pubkey, 'r'));
    const event = pullRequest(stranger, named, [['c', fix]]);
    await world.hold(event);
    world.packs.length = 0;
    const report = await world.push(repository, { lines: [[refOf(event), fix]], pack: mine.pack([fix]) });
    expect(report).toEqual(['unpack ok', `ok ${refOf(event)}`]);
    expect(world.promoted).toContain(event.id);
    const have = [repository, full, broken, fine].map((one) => has(world.pathOf(one), fix));
    expect(have).toEqual([true, false, false, true]);
    expect(world.packs.sort()).toEqual([owner, fine.pubkey].sort());
  });

  it('gets no copy of a repository by an announcement that names its maintainers, before pushing something', async () => {
    using mine = client();
    const { world, first } = await withCommit(mine);
    await using _ = world;
    await world.hold(announcement(stranger, 'r', { maintainers: [owner] }));
    const second = mine.commit('two');
    await world.hold(state(owner, 'r', [main, second]));
    await world.push(repository, { lines: [[main, second, first]], pack: mine.pack([second]) });
    expect(refsOf(world.pathOf(repository))).toEqual({ [main]: second });
    expect(refsOf(world.pathOf(theirs))).toEqual({});
    const mark = mine.commit('mark');
    await world.push(theirs, { lines: [[refOf({ id: 'a'.repeat(64) }), mark]], pack: mine.pack([mark]) });
    const third = mine.commit('three');
    await world.hold(state(owner, 'r', [main, third]));
    await world.push(repository, { lines: [[main, third, second]], pack: mine.pack([third]) });
    expect(refsOf(world.pathOf(theirs))[main]).toBe(third);
  });

  it('keeps no state held by pushing commits of pull requests', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const typo = state(owner, 'r', [main, 'abc123']);
    await world.hold(typo);
    const deadline = world.purgatory.get(typo.id)?.deadlineMs;
    await world.clock.advance(10 * 60_000);
    const fix = mine.commit('fix');
    await world.push(repository, { lines: [[refOf({ id: 'a'.repeat(64) }), fix]], pack: mine.pack([fix]) });
    expect(world.purgatory.get(typo.id)?.deadlineMs).toBe(deadline);
  });

  it('keeps nobody from pushing by work on a repository of the same identifier', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const first = mine.commit('one');
    await world.hold(announcement(stranger, 'r', { maintainers: [owner] }), announcement(owner, 'r'));
    await world.hold(state(owner, 'r', [main, first]));
    const working = deferred<void>();
    const busy = world.parts.locks.use(theirs, world.signal, () => working.promise);
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    working.resolve();
    await busy;
  });

  it('holds up nobody while a large push is looked through', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    world.faulty.ran.length = 0;
    const { promise, resolve } = deferred<void>();
    const looked = deferred<void>();
    world.faulty.fault = ({ args }) => {
      if (args[0] === 'rev-list') looked.resolve();
    };
    const busy = world.parts.locks.use(repository, world.signal, () => promise);
    const pushed = world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    await looked.promise;
    resolve();
    await busy;
    expect(await pushed).toEqual(['unpack ok', `ok ${main}`]);
  });

  it('has what turns out wrong in the last moment taken out in a short time, or pushes again', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const [right, wrong] = [mine.commit('right'), mine.commit('wrong')];
    // It comes when all was looked through already.
    const late = pullRequest(stranger, [address(owner, 'r')], [['c', 'b'.repeat(40)]]);
    const ref = refOf({ id: 'a'.repeat(64) });
    const times: number[] = [];
    world.faulty.fault = ({ args, msMax = 0 }) => {
      if (args[0] === 'rev-list') world.purgatory.hold(late, { addressGroup: undefined, parents: [] });
      if (args[0] !== 'pack-objects') return;
      times.push(msMax);
      throw new TimeLimitError('what takes long', msMax);
    };
    const push = () =>
      world.push(repository, {
        lines: [
          [ref, right],
          [refOf(late), wrong],
        ],
        pack: mine.pack([right, wrong]),
      });
    const reason = 'what is right here changed while you pushed: push again';
    expect(await push()).toEqual([`unpack ${reason}`, `ng ${ref} ${reason}`, `ng ${refOf(late)} ${reason}`]);
    expect(times).toEqual([limits.pushLockedCheckMsMax]);
    expect(has(world.pathOf(repository), right)).toBe(false);
    world.faulty.fault = undefined;
    expect((await push()).slice(0, 2)).toEqual(['unpack ok', `ok ${ref}`]);
    expect([right, wrong].map((id) => has(world.pathOf(repository), id))).toEqual([true, false]);
  });

  it('is refused a pack that git completes to more than its limit', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const gitDir = mine.path;
    // Nothing that could be compressed.
    const noise = Array.from({ length: 10 }, (_unused, n) => writeBlob(gitDir, noiseOf(n, 80_000)));
    const tree = git(gitDir, ['mktree'], noise.map((id, n) => `100644 blob ${id}\tf${n}\n`).join(''));
    const first = git(gitDir, ['commit-tree', tree, '-m', 'large']);
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(refsOf(world.pathOf(repository))).toEqual({ [main]: first });
    world.packLimits.bytesMax = 300_000;
    const { pack, tip } = thinPack(gitDir, noise);
    expect(pack.length).toBeLessThan(100_000);
    const report = await world.push(repository, { lines: [[refOf({ id: 'a'.repeat(64) }), tip]], pack });
    expect(report[0]).toBe(
      'unpack a pack has at most 300000 bytes here (--git-push-max-mb), with what it builds upon',
    );
    world.packLimits.bytesMax = 10_000_000;
    world.limitRoom(() => 300_000);
    const again = await world.push(repository, { lines: [[refOf({ id: 'a'.repeat(64) }), tip]], pack });
    expect([again[0], world.coming()]).toEqual(['unpack no room (--repository-max-mb)', 0]);
  });

  it('cannot fill a repository with pull requests, so that its maintainers can push no more', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    world.limitRoom(() => 10_000, 10_000);
    const ref = refOf({ id: 'a'.repeat(64) });
    const proposal = await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    expect(proposal[1]).toMatch(/ no room /);
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
  });

  it('makes git take no memory for an object of gigabytes in a pack of a few bytes', async () => {
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    const pack = deltaBomb(2 * limits.pushAllocationBytesMax);
    expect(pack.length).toBeLessThan(100_000);
    const report = await world.push(repository, {
      lines: [[refOf({ id: 'a'.repeat(64) }), 'b'.repeat(40)]],
      pack,
    });
    expect(report[0]).toMatch(/^unpack .*attempting to allocate/);
  });

  it('has no ref of a pull request for which there is no room any more when it is set', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const fix = mine.commit('fix');
    const { awaited } = world.purgatory;
    world.faulty.fault = ({ args }) => {
      // The same address has pushed elsewhere meanwhile.
      for (let n = 0; args[0] === 'cat-file' && n < limits.awaitedPerAddressMax; n += 1) {
        const elsewhere = { pubkey: key(7 + (n % 2)), identifier: `x${n % 4}` };
        awaited.add(elsewhere, String(n).padStart(64, '0'), '192.0.2.1');
      }
    };
    const ref = refOf({ id: 'a'.repeat(64) });
    const report = await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    expect(report[1]).toMatch(/^ng .* too many refs/);
    expect(Object.keys(refsOf(world.pathOf(repository)))).toEqual([main]);
  });
});

describe('A push', () => {
  it('succeeds though a killed git left a lock on its ref behind', async () => {
    using mine = client();
    const { world, first } = await withCommit(mine);
    await using _ = world;
    const second = mine.commit('two');
    await world.hold(state(owner, 'r', [main, second]));
    const folder = join(world.pathOf(repository), 'refs', 'heads');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'main.lock'), '');
    utimesSync(join(folder, 'main.lock'), 1, 1);
    const push = { lines: [[main, second, first]] as const, pack: mine.pack([second]) };
    expect((await world.push(repository, push))[1]).toBe(`ok ${main}`);
  });

  it('that cannot be undone keeps no other from being undone', async () => {
    using mine = client();
    const { world } = await withCommit(mine);
    await using _ = world;
    const fix = mine.commit('fix');
    const refs = ['a', 'b'].map((digit) => refOf({ id: digit.repeat(64) }));
    await world.push(repository, { lines: refs.map((ref) => [ref, fix] as const), pack: mine.pack([fix]) });
    await world.clock.advance(20 * 60_000 + 1);
    let failures = 0;
    world.faulty.fault = ({ args }) => {
      if (args[0] === 'update-ref' && failures++ === 0) throw new Error('no');
    };
    await world.promotion.removeUnannounced();
    expect(Object.keys(refsOf(world.pathOf(repository)))).toHaveLength(2);
    await world.promotion.removeUnannounced();
    expect(Object.keys(refsOf(world.pathOf(repository)))).toEqual([main]);
  });
});

/** Text of pseudo-random digits. */
function noiseOf(seed: number, length: number): string {
  let text = '';
  for (let x = seed + 1; text.length < length; ) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    text += x.toString(36);
  }
  return text.slice(0, length);
}

/** An event that counts how often it, or one of its properties, is read. */
function watched(of: NostrEvent) {
  const reads: PropertyKey[] = [];
  const event = new Proxy(of, {
    get(target, property) {
      reads.push(property);
      return Reflect.get(target, property);
    },
  });
  return {
    event,
    reads: (property?: keyof NostrEvent) =>
      reads.filter((read) => property === undefined || read === property).length,
  };
}
