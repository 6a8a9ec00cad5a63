import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { git, refsOf, scratchFolder } from '../git/scratch.js';
import { growingPack } from '../hosting/packs.js';
import { maintenanceWorld, repository } from './maintenance-world.js';

const tooMany = limits.carePacksMax + 1;
type World = Awaited<ReturnType<typeof maintenanceWorld>>;

/** Unfinished packs that are in the repository. */
function unfinishedIn(gitDir: string): string[] {
  return readdirSync(join(gitDir, 'objects/pack')).filter((name) => /^\.?tmp/.test(name));
}

/** Lets a step of the care write so many bytes of packs, in two files as git does, and come to no end. */
function writeWithoutEnd({ gitDir, hooks }: World, bytes: number, step = 'repack'): void {
  hooks.before = async ({ args }, signal) => {
    if (args[0] !== step) return;
    const half = 'x'.repeat(bytes / 2);
    writeFileSync(join(gitDir, 'objects/pack/.tmp-1-pack-2.pack'), half);
    writeFileSync(join(gitDir, 'objects/pack/tmp_pack_X'), half);
    if (!signal.aborted) await once(signal, 'abort');
    signal.throwIfAborted();
  };
}

/** Cares for the repository while time passes. */
async function caredWith(world: World): Promise<void> {
  let isOver = false;
  const caring = world.care().finally(() => {
    isOver = true;
  });
  await expect
    .poll(() => world.timers.advance(limits.packGrowthLookMs).then(() => isOver), { interval: 20 })
    .toBe(true);
  await caring;
}

describe('a repack that writes more than there was', () => {
  it.each([
    [
      'the repository may take',
      (world: World, bytes: number) => {
        world.diskLimits.repository.bytesMax = bytes + 1_000;
      },
      'the repository is full',
    ],
    [
      'all repositories together may take',
      (world: World, bytes: number) => {
        world.diskLimits.repositories.bytesMax = bytes + 1_000;
      },
      'all is full',
    ],
    [
      'the disk has room for',
      (world: World, bytes: number) => {
        world.diskLimits.disk.hasRoomFor = (more) => more <= bytes;
      },
      '--disk-floor-mb',
    ],
  ])('ends where that is more than %s, and nothing of it stays', async (_, limit, reason) => {
    await using world = await maintenanceWorld();
    const { gitDir, survey } = world;
    world.push(tooMany);
    const [refs, { bytes }] = [refsOf(gitDir), await survey()];
    limit(world, bytes);
    writeWithoutEnd(world, 2 * Math.ceil(bytes / 2) + 2_000);
    await caredWith(world);
    expect(await world.metric('failed')).toBe(1);
    expect(world.errors.join()).toContain(reason);
    expect(unfinishedIn(gitDir)).toEqual([]);
    expect(refsOf(gitDir)).toEqual(refs);
    git(gitDir, ['fsck', '--strict']);
  });
});

describe('what a repack leaves that is ended', () => {
  it('goes, but for what was there before', async () => {
    await using world = await maintenanceWorld();
    const { gitDir, locks, signal } = world;
    world.push(tooMany);
    const other = join(gitDir, 'objects/pack/tmp_pack_Y');
    writeFileSync(other, 'x');
    let pushing: Promise<void> | undefined;
    writeWithoutEnd(world, 1_000);
    const write = world.hooks.before;
    world.hooks.before = async (command, stop) => {
      if (command.args[0] === 'repack') pushing ??= locks.use(repository, signal, async () => {});
      await write(command, stop);
    };
    await world.care();
    await pushing;
    expect(await world.metric('interrupted')).toBe(1);
    expect(unfinishedIn(gitDir)).toEqual(['tmp_pack_Y']);
    expect(existsSync(other)).toBe(true);
  });

  it('counts where it stays', async () => {
    await using world = await maintenanceWorld();
    const { gitDir, hooks } = world;
    world.push(tooMany);
    hooks.before = async ({ args }) => {
      if (args[0] !== 'commit-graph') return;
      writeFileSync(join(gitDir, 'objects/pack/pack-half.pack'), 'x'.repeat(1_000_000));
      throw new Error('the disk fails');
    };
    await world.care();
    expect(await world.metric('failed')).toBe(1);
    const { bytes } = await world.survey();
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(world.diskUse.bytesOf(gitDir)).toBe(bytes);
  });
});

it('a repack of the branches for others is bounded too, and what they took counts for the rest', async () => {
  for (const step of ['pack-objects', 'repack']) {
    await using world = await maintenanceWorld();
    const { gitDir, survey } = world;
    world.push(tooMany);
    git(gitDir, ['update-ref', `refs/nostr/${'f'.repeat(64)}`, 'refs/heads/b1']);
    world.maintenance.packArrived(repository, 1);
    world.maintenance.packArrived({ ...repository, pubkey: 'cd'.repeat(32) }, 1);
    const { bytes } = await survey();
    world.diskLimits.repository.bytesMax = bytes;
    writeWithoutEnd(world, 2 * Math.ceil(bytes / 2) - (step === 'repack' ? 2 : -2), step);
    await caredWith(world);
    expect(world.errors, step).toEqual(['the repository is full']);
    expect(unfinishedIn(gitDir), step).toEqual([]);
  }
});

it.each([
  ['writes each of many large files whole, for what they are changes of is wanted no more', undefined],
  ['writes large files that nothing refers to as such, with a git before 2.37', '2.36'],
])('a repack ends that %s', async (_, version) => {
  await using world = await maintenanceWorld(version);
  using mine = scratchFolder();
  git(mine.path, ['init', '-q', '--bare']);
  const { gitDir } = world;
  const [files, fileBytes] = [40, 1_000_000];
  const { pack, tip } = growingPack(mine.path, gitDir, files, fileBytes);
  git(gitDir, ['index-pack', '--stdin'], pack);
  if (version === undefined) git(gitDir, ['update-ref', 'refs/heads/main', tip]);
  world.push(tooMany);
  const { bytes } = await world.survey();
  expect(bytes).toBeLessThan(3 * fileBytes);
  world.diskLimits.repository.bytesMax = 5 * fileBytes;
  await caredWith(world);
  expect(world.errors).toEqual(['the repository is full']);
  expect(unfinishedIn(gitDir)).toEqual([]);
  expect((await world.survey()).looseObjects).toBe(0);
  expect(world.diskUse.bytesOf(gitDir)).toBeLessThan(3 * fileBytes);
  git(gitDir, ['fsck', '--strict']);
});
