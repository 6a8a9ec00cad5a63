import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { spawnGit } from '../../src/git/processes/spawn-git.js';
import { git, refsOf, writeCommit } from '../git/scratch.js';
import { maintenanceWorld, repository } from './maintenance-world.js';

const tooMany = limits.carePacksMax + 1;
const { identifier } = repository;
const has = (gitDir: string, id: string) =>
  git(gitDir, ['cat-file', '--batch-check'], id).endsWith('missing') === false;

describe('a repository above a threshold', () => {
  it('becomes one pack with a bitmap and a commit-graph, and keeps its refs', async () => {
    await using world = await maintenanceWorld();
    const { gitDir, ran } = world;
    world.push(tooMany);
    const refs = refsOf(gitDir);
    expect((await world.survey()).looseRefs).toBe(Object.keys(refs).length);
    await world.care();
    expect(await world.survey()).toMatchObject({
      packs: 1,
      looseObjects: 0,
      looseRefs: 0,
      uncoveredBytes: 0,
    });
    expect((await world.survey()).coveredBytes).toBeGreaterThan(0);
    expect(existsSync(join(gitDir, 'objects/info/commit-graph'))).toBe(true);
    expect(readdirSync(join(gitDir, 'refs/heads'))).toEqual([]);
    expect(refsOf(gitDir)).toEqual(refs);
    git(gitDir, ['fsck', '--strict']);
    // Nothing is due any more.
    const steps = ran.length;
    await world.care();
    expect(ran).toHaveLength(steps);
  });

  it('is found by the look after the start, and what it takes is counted', async () => {
    await using world = await maintenanceWorld();
    world.push(tooMany);
    const { bytes } = await world.survey();
    void world.served();
    await expect
      .poll(() => world.timers.advance(limits.careQuietMs).then(() => world.log))
      .toContain('repository repacked');
    await expect.poll(() => world.diskUse.total).toBeLessThan(bytes);
    expect(world.diskUse.total).toBe((await world.survey()).bytes);
  });

  it('of pull requests are cared for and counted apart', async () => {
    await using world = await maintenanceWorld();
    const prs = { signer: 'cd'.repeat(32), identifier };
    await world.repositories.ensure(prs);
    const gitDir = world.repositories.pathOf(prs);
    world.push(tooMany);
    git(gitDir, ['fetch', '-q', world.gitDir, 'refs/*:refs/*']);
    void world.served();
    await expect
      .poll(() => world.timers.advance(limits.surveyPauseMs).then(() => world.prsDiskUse.total))
      .toBeGreaterThan(0);
    world.maintenance.packArrived(prs, 7);
    const before = world.diskUse.total;
    expect(world.maintenance.roomFor(prs)).toBe(1e9 - world.prsDiskUse.bytesOf(gitDir));
    await world.maintenance.care({ repository: prs, interruptions: 0 }, world.signal);
    world.maintenance.removed(prs);
    expect([world.prsDiskUse.total, world.diskUse.total]).toEqual([0, before]);
  });

  it('is counted still when something came into it during the look at all', async () => {
    await using world = await maintenanceWorld();
    const late = { signer: 'cd'.repeat(32), identifier };
    const looking = world.maintenance.surveyAll(world.signal);
    await expect.poll(() => world.diskUse.total).toBeGreaterThan(0);
    world.maintenance.packArrived(late, 7);
    await expect
      .poll(
        async () =>
          await Promise.race([looking.then(() => 'ended'), world.timers.advance(limits.surveyPauseMs)]),
      )
      .toBe('ended');
    expect(world.prsDiskUse.total).toBe(7);
  });

  it('is found by what pushes bring, when they have been quiet for a while', async () => {
    await using world = await maintenanceWorld();
    void world.served();
    await expect.poll(() => world.diskUse.total).toBeGreaterThan(0);
    const before = world.diskUse.total;
    world.push(tooMany);
    for (let pack = 0; pack < tooMany; pack += 1) world.maintenance.packArrived(repository, 10);
    expect(world.diskUse.total).toBe(before + tooMany * 10);
    expect(world.ran).toEqual([]);
    await world.timers.advance(limits.careQuietMs);
    await expect.poll(() => world.log).toEqual(['repository repacked']);
  });

  it('is repacked at low priority', async () => {
    await using world = await maintenanceWorld();
    world.push(tooMany);
    await world.care();
    expect(world.ran.map(({ isBackground }) => isBackground)).toEqual(world.ran.map(() => true));
    const child = spawnGit(
      { gitDir: world.gitDir, args: ['cat-file', '--batch'], isBackground: true },
      'pipe',
    );
    expect(getPriority(child.pid as number)).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
    child.stdin?.end();
    await once(child, 'exit');
  });

  it('waits until the disk has room for a copy of it', async () => {
    await using world = await maintenanceWorld();
    world.push(tooMany);
    const { bytes } = await world.survey();
    world.disk.freeBytes = bytes - 1;
    await world.care();
    expect(world.ran).toEqual([]);
    world.disk.freeBytes = bytes;
    await world.care();
    expect(world.log).toEqual(['repository repacked']);
  });

  it('is left alone when it is closed, or was removed', async () => {
    await using world = await maintenanceWorld();
    world.push(tooMany);
    await world.repositories.close(repository, 1);
    await world.care();
    await world.repositories.remove(repository);
    await world.care();
    expect([world.ran, world.diskUse.total]).toEqual([[], 0]);
  });
});

describe.each([
  ['in a pack of their own', undefined],
  ['as loose objects, by a git before 2.37', '2.36'],
])('objects that nothing refers to are kept %s', (_, version) => {
  it('for two weeks, then they go', async () => {
    await using world = await maintenanceWorld(version);
    const { gitDir } = world;
    world.push(tooMany);
    const lost = refsOf(gitDir)['refs/heads/b1'] as string;
    git(gitDir, ['update-ref', '-d', 'refs/heads/b1']);
    await world.care();
    expect(world.log).toEqual(['repository repacked']);
    expect(has(gitDir, lost)).toBe(true);
    world.pass(limits.unreachableObjectsMsMax - 3_600_000);
    await world.care();
    expect(has(gitDir, lost)).toBe(true);
    world.pass(2 * 3_600_000);
    await world.care();
    expect(world.log).toEqual(['repository repacked', 'repository repacked']);
    expect(has(gitDir, lost)).toBe(false);
    git(gitDir, ['fsck', '--strict']);
  });

  it('for two weeks from the repack that finds them, however old they are: a ref may have led to them until then', async () => {
    await using world = await maintenanceWorld(version);
    const { gitDir } = world;
    world.push(tooMany);
    const lost = refsOf(gitDir)['refs/heads/b1'] as string;
    await world.care();
    world.pass(2 * limits.unreachableObjectsMsMax);
    git(gitDir, ['update-ref', '-d', 'refs/heads/b1']);
    world.push(1);
    await world.care();
    expect(world.log).toEqual(['repository repacked', 'repository repacked']);
    expect(has(gitDir, lost)).toBe(true);
    world.pass(limits.unreachableObjectsMsMax + 3_600_000);
    await world.care();
    expect(world.log).toHaveLength(3);
    expect(has(gitDir, lost)).toBe(false);
  });

  it('counted from when they came where they were loose already', async () => {
    await using world = await maintenanceWorld(version);
    const { gitDir } = world;
    const [older, younger] = [writeCommit(gitDir, 'older'), writeCommit(gitDir, 'younger')];
    for (const [id, days] of [
      [older, 15],
      [younger, 13],
    ] as const) {
      const seconds = Date.now() / 1_000 - days * 86_400;
      utimesSync(join(gitDir, 'objects', id.slice(0, 2), id.slice(2)), seconds, seconds);
    }
    world.push(tooMany);
    await world.care();
    expect([has(gitDir, older), has(gitDir, younger)]).toEqual([false, true]);
  });
});

describe('a push', () => {
  it('ends the repack of its repository, which is done later', async () => {
    await using world = await maintenanceWorld();
    const { gitDir, hooks, locks, signal } = world;
    world.push(tooMany);
    let pushing: Promise<void> | undefined;
    hooks.after = ({ args }) => {
      if (args[0] === 'repack') pushing ??= locks.use(repository, signal, async () => world.push(1));
    };
    await world.care();
    await pushing;
    expect(await world.metric('interrupted')).toBe(1);
    expect(Object.keys(refsOf(gitDir))).toHaveLength(tooMany + 1);
    expect((await world.survey()).packs).toBe(tooMany + 1);
    void world.served();
    await world.timers.advance(limits.careRetryMs);
    await expect.poll(() => world.metric('done')).toBe(1);
    expect((await world.survey()).packs).toBe(1);
  });

  it.each([undefined, '2.36'])(
    'passes a repack that gave way too often, which keeps what a ref may be set to (git %s)',
    async (version) => {
      await using world = await maintenanceWorld(version);
      const { gitDir, hooks, locks, signal } = world;
      world.push(tooMany);
      const lost = refsOf(gitDir)['refs/heads/b1'] as string;
      git(gitDir, ['update-ref', '-d', 'refs/heads/b1']);
      await world.care();
      world.pass(limits.unreachableObjectsMsMax + 3_600_000);
      world.push(1);
      const order: string[] = [];
      const locked: number[] = [];
      hooks.before = async ({ args }) => {
        order.push(args[0] ?? '');
        locked.push(locks.size);
        if (args[0] !== 'repack') return;
        await locks.use(repository, signal, async () => {
          order.push('push');
          world.push(1);
        });
      };
      await world.care(limits.careInterruptionsMax);
      expect(world.log).toEqual(['repository repacked', 'repository repacked']);
      expect(order).toEqual(['pack-refs', 'repack', 'push', 'commit-graph']);
      // Refs are packed alone.
      expect(locked).toEqual([2, 1, 1]);
      expect(has(gitDir, lost)).toBe(true);
      expect(Object.keys(refsOf(gitDir))).toHaveLength(tooMany + 1);
      git(gitDir, ['fsck', '--strict']);
      expect(world.ran.every(({ isBackground }) => isBackground)).toBe(true);
    },
  );
});

it('who watches is told of what a repack may have removed, and of none that gave way before or keeps everything', async () => {
  await using world = await maintenanceWorld();
  const { hooks, locks, signal } = world;
  using watch = locks.watchRemovals(repository);
  using other = locks.watchRemovals({ ...repository, identifier: 'another' });
  world.push(tooMany);
  let pushing: Promise<void> | undefined;
  hooks.after = ({ args }) => {
    if (args[0] === 'repack') pushing ??= locks.use(repository, signal, async () => world.push(1));
  };
  await world.care();
  await pushing;
  expect([await world.metric('interrupted'), watch.hasRemoved]).toEqual([1, false]);
  await world.care(limits.careInterruptionsMax);
  expect([await world.metric('done'), watch.hasRemoved]).toEqual([1, false]);
  world.push(tooMany);
  world.pass(limits.careIntervalMsMin);
  await world.care();
  expect([await world.metric('done'), watch.hasRemoved, other.hasRemoved]).toEqual([2, true, false]);
});

it('who watches is told of a repack that fails after it removed packs', async () => {
  await using world = await maintenanceWorld();
  world.push(tooMany);
  world.hooks.before = async ({ args }) => {
    if (args[0] === 'prune') throw new Error('the disk fails');
  };
  using watch = world.locks.watchRemovals(repository);
  await world.care();
  expect([await world.metric('failed'), watch.hasRemoved]).toEqual([1, true]);
});

describe('a repack beside pushes', () => {
  it('ends when the repository is to be removed, or copied file by file', async () => {
    await using world = await maintenanceWorld();
    const { hooks, locks, signal } = world;
    world.push(tooMany);
    let removing: Promise<void> | undefined;
    hooks.after = ({ args }) => {
      if (args[0] !== 'repack') return;
      const remove = () => world.repositories.remove(repository);
      removing = locks.use(repository, signal, () => locks.useStill(repository, remove));
    };
    await world.care(limits.careInterruptionsMax);
    await removing;
    expect([await world.metric('interrupted'), await world.metric('done')]).toEqual([1, 0]);
    expect(existsSync(world.gitDir)).toBe(false);
  });
});

it('a repack that comes to no end has others wait for minutes, and is left alone for hours', async () => {
  await using world = await maintenanceWorld();
  const other = { pubkey: 'cd'.repeat(32), identifier };
  await world.repositories.ensure(other);
  world.push(tooMany);
  world.push(tooMany, world.repositories.pathOf(other));
  // That of the first comes to none.
  let endless: string | undefined;
  world.hooks.before = async ({ gitDir, args }, signal) => {
    if (args[0] !== 'repack') return;
    endless ??= gitDir;
    if (gitDir === endless) await once(signal, 'abort').then(() => signal.throwIfAborted());
  };
  void world.served();
  await expect
    .poll(() => world.timers.advance(limits.careQuietMs).then(() => world.metric('done')), {
      interval: 20,
      timeout: 20_000,
    })
    .toBe(1);
  expect(await world.metric('failed')).toBe(1);
  world.hooks.before = async () => {};
  const failed = endless === world.gitDir ? repository : other;
  const steps = world.ran.length;
  world.maintenance.packArrived(failed, 1);
  await world.timers.advance(2 * limits.careQuietMs);
  expect(world.ran).toHaveLength(steps);
  await world.timers.advance(limits.careRestMsMin);
  world.maintenance.packArrived(failed, 1);
  await world.timers.advance(limits.careQuietMs);
  await expect.poll(() => world.metric('done'), { timeout: 20_000 }).toBe(2);
});

it('what comes in the middle of a repack is kept, and so are its refs', async () => {
  await using world = await maintenanceWorld();
  const { gitDir, hooks } = world;
  world.push(tooMany);
  hooks.before = async () => world.push(1);
  hooks.after = () => world.push(1);
  await world.care();
  expect(world.log).toEqual(['repository repacked']);
  expect(Object.keys(refsOf(gitDir))).toHaveLength(tooMany + 8);
  git(gitDir, ['fsck', '--strict']);
});

describe('a repack that is killed', () => {
  it.each(['pack-refs', 'repack', 'prune', 'commit-graph'])(
    'in %s leaves a working repository, and what it left goes',
    async (step) => {
      await using world = await maintenanceWorld();
      const { gitDir, hooks } = world;
      world.push(tooMany);
      const refs = refsOf(gitDir);
      // As it is on disk when the power fails in the middle of that step: half a pack, and a lock that nobody holds.
      hooks.before = async ({ args }) => {
        if (args[0] !== step) return;
        const [pack] = readdirSync(join(gitDir, 'objects/pack')).filter((name) => name.endsWith('.pack'));
        const half = readFileSync(join(gitDir, 'objects/pack', pack as string)).subarray(0, 20);
        leave(join(gitDir, 'objects/pack/.tmp-1-pack-2.pack'), half);
        leave(join(gitDir, 'objects/pack/tmp_pack_X'), half);
        leave(join(gitDir, 'objects/info/commit-graph.lock'), half);
        leave(join(gitDir, 'packed-refs.lock'), half);
        throw new Error('the power failed');
      };
      await world.care();
      expect(await world.metric('failed')).toBe(1);
      expect(refsOf(gitDir)).toEqual(refs);
      git(gitDir, ['fsck', '--strict']);
      hooks.before = async () => {};
      world.push(tooMany);
      await world.care();
      expect(await world.metric('done')).toBe(1);
      const { packs, leftovers } = await world.survey();
      expect([packs, leftovers, existsSync(join(gitDir, 'packed-refs.lock'))]).toEqual([1, [], false]);
      expect(refsOf(gitDir)).toMatchObject(refs);
    },
  );

  it('at any moment by SIGKILL, with all its processes, leaves a working repository', async () => {
    await using world = await maintenanceWorld();
    const { gitDir, hooks } = world;
    world.push(tooMany);
    // So much that it takes a while to be written.
    const blob = git(gitDir, ['hash-object', '-w', '--stdin'], randomBytes(8_000_000).toString('base64'));
    git(gitDir, ['update-ref', 'refs/tags/large', blob]);
    const refs = refsOf(gitDir);
    let isOver = false;
    let killing: Promise<void> | undefined;
    hooks.after = ({ args }) => {
      if (args[0] === 'repack') killing = killAll(gitDir, () => isOver);
    };
    await world.care();
    isOver = true;
    await killing;
    expect((await world.metric('failed')) + (await world.metric('done'))).toBe(1);
    git(gitDir, ['fsck', '--strict']);
    hooks.after = () => {};
    world.push(tooMany);
    world.pass(limits.careIntervalMsMin + 1);
    await world.care();
    expect(await world.survey()).toMatchObject({ packs: 1, looseObjects: 0 });
    expect(refsOf(gitDir)).toMatchObject(refs);
    git(gitDir, ['fsck', '--strict']);
  });

  it('keeps what a process may still be working on', async () => {
    await using world = await maintenanceWorld();
    const path = join(world.gitDir, 'objects/pack/tmp_pack_X');
    writeFileSync(path, '');
    void world.served();
    await expect.poll(() => world.diskUse.total).toBeGreaterThan(0);
    expect(existsSync(path)).toBe(true);
  });
});

/** Writes a file that is as old as one that was left behind. */
function leave(path: string, content: Buffer): void {
  writeFileSync(path, content);
  const seconds = (Date.now() - limits.leftoverAgeMsMax) / 1_000;
  utimesSync(path, seconds, seconds);
}

/** Kills every process that works in a repository, as soon as there is one, unless it is over before. */
async function killAll(gitDir: string, isOver: () => boolean): Promise<void> {
  for (let killed = 0; killed === 0 && !isOver(); await nextTurn()) {
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(gitDir)) continue;
        process.kill(Number(pid), 'SIGKILL');
        killed += 1;
      } catch {
        // It has ended by itself.
      }
    }
  }
}
