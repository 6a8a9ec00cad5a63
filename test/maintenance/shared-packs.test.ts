import { linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { RepositoryKey } from '../../src/git/bare-repositories.js';
import { BranchPacks } from '../../src/maintenance/branch-packs.js';
import { noise, packBytesOnDisk, writeNoise } from '../git/noise.js';
import { git, gitBytes, refsOf, scratchFolder } from '../git/scratch.js';
import { maintenanceWorld, repository } from './maintenance-world.js';

const { identifier } = repository;
const siblings: readonly RepositoryKey[] = ['cd', 'ef', '12', '34'].map((byte) => ({
  pubkey: byte.repeat(32),
  identifier,
}));
const all = [repository, ...siblings];
const bytes = 300_000;
const proposal = `refs/nostr/${'f'.repeat(64)}`;

/** Repositories of five maintainers, each with copies of its own. */
async function five(version?: string) {
  const world = await maintenanceWorld(version);
  const mine = scratchFolder();
  git(mine.path, ['init', '-q', '--bare']);
  for (const sibling of siblings) await world.repositories.ensure(sibling);
  const gitDirs = all.map((key) => world.repositories.pathOf(key));
  const push = (
    gitDir: string,
    commits: number = limits.carePacksMax + 1,
    branch = 'main',
    packing: readonly string[] = [],
  ): void => {
    const config = ['-c', 'fastimport.unpackLimit=0', ...packing];
    git(gitDir, [...config, 'fast-import', '--quiet', '--force'], historyOf(commits, branch));
  };
  push(mine.path);
  const { 'refs/heads/main': tip = '', 'refs/tags/v1': base = '' } = refsOf(mine.path);
  return {
    ...world,
    base,
    tip,
    gitDirs: gitDirs as [string, string, string, string, string],
    /** Brings so many commits, each in a pack of its own: by default as many as a repository is repacked for. */
    push,
    /** Brings a commit of so much that only a pull request names. */
    propose(gitDir: string): string {
      const id = writeNoise(mine.path, `proposal ${gitDirs.indexOf(gitDir)}`, bytes, [base]);
      const pack = gitBytes(mine.path, ['pack-objects', '--revs', '--stdout', '-q'], `${id}\n^${base}\n`);
      git(gitDir, ['index-pack', '--stdin'], pack);
      git(gitDir, ['update-ref', proposal, id]);
      return id;
    },
    careFor: async (key: RepositoryKey) => {
      const { length } = world.ran;
      await world.maintenance.care({ repository: key, interruptions: 0 }, world.signal);
      return world.ran.slice(length).map(({ args }) => args[0]);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await world[Symbol.asyncDispose]();
      mine[Symbol.dispose]();
    },
  };
}

/** What `git fast-import` reads: a commit of so much, with a tag, and small ones upon it. */
function historyOf(commits: number, branch: string): Buffer {
  const who = 'committer a <a> 1700000000 +0000';
  const small = Array.from(
    { length: commits - 1 },
    (_, n) => `commit refs/heads/${branch}\n${who}\ndata <<END\n${branch} ${n}\nEND\ncheckpoint\n`,
  );
  return Buffer.concat([
    Buffer.from(
      `commit refs/heads/${branch}\nmark :1\n${who}\ndata 4\nbase\nM 100644 inline base\ndata ${bytes}\n`,
    ),
    noise('base', bytes).subarray(0, bytes),
    Buffer.from(
      `\nM 100644 inline text\ndata ${2 * bytes}\n${'a line of text\n'.repeat(bytes).slice(0, 2 * bytes)}`,
    ),
    Buffer.from(`\nreset refs/tags/v1\nfrom :1\n\ncheckpoint\n${small.join('')}`),
  ]);
}

/** Packs a repository into one pack that is another than git makes here. */
function repackOtherwise(gitDir: string): void {
  git(gitDir, ['-c', 'pack.compression=0', 'repack', '-adFq']);
}

/** Which file the pack with the bitmap is. */
function coveredFile(gitDir: string): number {
  const folder = join(gitDir, 'objects/pack');
  const [name, ...others] = readdirSync(folder).filter((file) => file.endsWith('.bitmap'));
  expect(others).toEqual([]);
  return statSync(join(folder, (name as string).replace('.bitmap', '.pack'))).ino;
}

function isHere(gitDir: string, id: string): boolean {
  return !git(gitDir, ['cat-file', '--batch-check'], id).endsWith('missing');
}

describe('repositories with the same branches and tags', () => {
  it('have the pack of these in one file once they are repacked, and only the rest each for itself', async () => {
    await using world = await five();
    const { gitDirs, tip } = world;
    for (const gitDir of gitDirs) world.push(gitDir);
    const copies = packBytesOnDisk(gitDirs);
    const proposals = gitDirs.slice(0, 2).map((gitDir) => world.propose(gitDir));
    const refs = gitDirs.map(refsOf);
    // All are known, as after the start.
    for (const sibling of siblings) world.maintenance.packArrived(sibling, 1);
    const steps = [];
    for (const key of all) steps.push(await world.careFor(key));
    expect(steps.map((ran) => ran.includes('pack-objects'))).toEqual([true, false, false, false, false]);
    expect(gitDirs.map(refsOf)).toEqual(refs);
    expect(new Set(gitDirs.map(coveredFile)).size).toBe(1);
    for (const gitDir of gitDirs) {
      git(gitDir, ['fsck', '--strict']);
      git(gitDir, ['rev-list', '--test-bitmap', tip]);
    }
    // Nobody has what was proposed to another.
    expect(proposals.map((id) => gitDirs.map((gitDir) => isHere(gitDir, id)))).toEqual([
      [true, false, false, false, false],
      [false, true, false, false, false],
    ]);
    expect(copies).toBeGreaterThan(5 * bytes);
    expect(packBytesOnDisk(gitDirs)).toBeLessThan(3.3 * bytes);
    const apart = gitDirs.reduce((sum, gitDir) => sum + world.diskUse.bytesOf(gitDir), 0);
    expect(apart - world.diskUse.total).toBeGreaterThan(4 * bytes);
    expect(world.diskUse.bytesOf(gitDirs[4])).toBeGreaterThan(bytes);
    // Nothing is due any more, whatever no bitmap covers.
    for (const key of all) expect(await world.careFor(key)).toEqual([]);
    expect((await world.survey()).uncoveredBytes).toBe(0);
    expect(readdirSync(join(world.repositories.pathOf(repository), '../../.graspd'))).toEqual([]);
  });

  it('share it although only one of them was due, and none does that has other tips', async () => {
    await using world = await five();
    const { gitDirs } = world;
    for (const gitDir of gitDirs.slice(0, 2)) world.push(gitDir);
    repackOtherwise(gitDirs[1]);
    world.push(gitDirs[2], 3);
    await world.careFor(repository);
    await world.careFor(siblings[0] as RepositoryKey);
    expect(coveredFile(gitDirs[1])).toBe(coveredFile(gitDirs[0]));
    expect(await world.careFor(siblings[1] as RepositoryKey)).toEqual([]);
  });

  it.each<[string, number[]]>([
    ['first', [1, 0]],
    ['last', [0, 1]],
  ])('take no more by what somebody packed badly who has the same, and is repacked %s', async (_, order) => {
    await using world = await five();
    const gitDirs = world.gitDirs.slice(0, 2);
    const [good, bad] = gitDirs as [string, string];
    world.push(good);
    // Git reuses what is packed, as it is packed.
    world.push(bad, undefined, 'main', ['-c', 'pack.compression=0', '-c', 'pack.depth=0']);
    const pair = [repository, siblings[0] as RepositoryKey];
    const before = packBytesOnDisk([good]);
    expect(packBytesOnDisk([bad])).toBeGreaterThan(2 * before);
    for (let round = 0; round < 2; round += 1) {
      for (const index of order) await world.careFor(pair[index] as RepositoryKey);
      expect(packBytesOnDisk([good])).toBeLessThan(before);
      world.pass(limits.careIntervalMsMin + 1);
    }
    expect(coveredFile(bad)).toBe(coveredFile(good));
  });

  it('are left alone where the pack cannot be linked, unless they are due', async () => {
    await using world = await five();
    const { gitDirs } = world;
    for (const gitDir of gitDirs.slice(0, 3)) world.push(gitDir);
    repackOtherwise(gitDirs[1]);
    await world.careFor(repository);
    for (const name of readdirSync(join(gitDirs[0], 'objects/pack')))
      if (name.endsWith('.bitmap')) rmSync(join(gitDirs[0], 'objects/pack', name));
    expect(await world.careFor(siblings[0] as RepositoryKey)).toEqual([]);
    expect(await world.careFor(siblings[1] as RepositoryKey)).toContain('repack');
    coveredFile(gitDirs[2]);
  });

  it('are not made to have their own again where all together have no room for that', async () => {
    await using world = await five();
    const gitDirs = world.gitDirs.slice(0, 2);
    for (const gitDir of gitDirs) world.push(gitDir);
    const pair = [repository, siblings[0] as RepositoryKey];
    for (const key of pair) await world.careFor(key);
    // Other tips, so many packs that it is due, and no pack that could be linked.
    for (const gitDir of gitDirs) world.push(gitDir, undefined, 'other');
    world.pass(limits.careIntervalMsMin + 1);
    world.diskLimits.repositories.bytesMax = world.diskUse.total + bytes;
    expect(await world.careFor(repository)).toEqual([]);
    world.diskLimits.repositories.bytesMax = world.diskUse.total + 2 * bytes;
    expect(await world.careFor(repository)).toContain('repack');
    // The other links that, for which it takes no room.
    world.diskLimits.repositories.bytesMax = world.diskUse.total;
    expect(await world.careFor(siblings[0] as RepositoryKey)).toContain('repack');
    expect(new Set(gitDirs.map(coveredFile)).size).toBe(1);
  });

  it.each([
    ['in a pack of its own', undefined],
    ['as loose objects, by a git before 2.37', '2.36'],
  ])('keep what nothing refers to any more each by itself for two weeks, %s', async (_, version) => {
    await using world = await five(version);
    const { gitDirs, base, tip } = world;
    for (const gitDir of gitDirs.slice(0, 2)) world.push(gitDir);
    const pair = [repository, siblings[0] as RepositoryKey];
    for (const key of pair) await world.careFor(key);
    expect(coveredFile(gitDirs[1])).toBe(coveredFile(gitDirs[0]));
    git(gitDirs[1], ['update-ref', 'refs/heads/main', base]);
    world.push(gitDirs[1], undefined, 'other');
    world.pass(limits.careIntervalMsMin + 1);
    expect(await world.careFor(siblings[0] as RepositoryKey)).toContain('repack');
    expect(isHere(gitDirs[1], tip)).toBe(true);
    world.pass(limits.unreachableObjectsMsMax);
    await world.careFor(siblings[0] as RepositoryKey);
    expect([isHere(gitDirs[0], tip), isHere(gitDirs[1], tip)]).toEqual([true, false]);
    for (const gitDir of gitDirs.slice(0, 2)) git(gitDir, ['fsck', '--strict']);
  });

  it.each(['pack-objects', 'pack-refs', 'repack', 'prune', 'commit-graph'])(
    'are whole when the power fails in %s, and share it afterwards',
    async (step) => {
      await using world = await five();
      const gitDirs = world.gitDirs.slice(0, 2);
      for (const gitDir of gitDirs) world.push(gitDir);
      for (const gitDir of gitDirs) world.propose(gitDir);
      const refs = gitDirs.map(refsOf);
      const pair = [repository, siblings[0] as RepositoryKey];
      for (const key of pair) world.maintenance.packArrived(key, 1);
      for (const key of pair) {
        world.hooks.before = async ({ args }) => {
          if (args[0] === step) throw new Error('the power failed');
        };
        await world.careFor(key);
        for (const gitDir of gitDirs) git(gitDir, ['fsck', '--strict']);
        world.hooks.before = async () => {};
        await world.careFor(key);
      }
      world.pass(limits.careIntervalMsMin + 1);
      for (const key of pair) await world.careFor(key);
      expect(gitDirs.map(refsOf)).toEqual(refs);
      expect(new Set(gitDirs.map(coveredFile)).size).toBe(1);
      for (const gitDir of gitDirs) git(gitDir, ['fsck', '--strict']);
    },
  );
});

it('a link that was half made when the power failed is made whole', async () => {
  await using world = await five();
  const [one, other] = world.gitDirs;
  for (const gitDir of [one, other]) world.push(gitDir);
  await world.careFor(repository);
  const [name] = readdirSync(join(one, 'objects/pack')).filter((file) => file.endsWith('.pack'));
  linkSync(join(one, 'objects/pack', name as string), join(other, 'objects/pack', name as string));
  git(other, ['fsck', '--strict']);
  await world.careFor(siblings[0] as RepositoryKey);
  expect(coveredFile(other)).toBe(coveredFile(one));
  git(other, ['fsck', '--strict']);
});

it('repositories that a backup brought back as copies have it in one file again', async () => {
  await using world = await five();
  const gitDirs = world.gitDirs.slice(0, 2);
  for (const gitDir of gitDirs) world.push(gitDir);
  const pair = [repository, siblings[0] as RepositoryKey];
  for (const key of pair) await world.careFor(key);
  const folder = join(gitDirs[1] as string, 'objects/pack');
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    rmSync(join(folder, name));
    writeFileSync(join(folder, name), content, { mode: 0o444 });
  }
  expect(new Set(gitDirs.map(coveredFile)).size).toBe(2);
  for (const key of [...pair, ...pair]) await world.careFor(key);
  expect(new Set(gitDirs.map(coveredFile)).size).toBe(1);
  expect(packBytesOnDisk(gitDirs)).toBeLessThan(1.1 * bytes);
  for (const gitDir of gitDirs) git(gitDir, ['fsck', '--strict']);
});

describe('BranchPacks', () => {
  it('find the same pack for all with the same tips, the smallest, as long as one of them has it', () => {
    const packs = new BranchPacks();
    packs.add('/a', 'r');
    expect([packs.isEmpty, packs.hasSeveral('r'), packs.find('1')]).toEqual([true, false, undefined]);
    const [one, other, third] = ['3', '2', '1'].map((file) => ({
      tips: file === '1' ? '2' : '1',
      name: 'pack-a',
      file,
      bytes: 2,
    }));
    packs.set('/a', 'r', one);
    packs.set('/b', 'r', other);
    packs.set('/c', 's', third);
    packs.add('/c', 's');
    expect([packs.isEmpty, packs.hasSeveral('r'), packs.hasSeveral('s')]).toEqual([false, true, false]);
    expect([packs.find('1'), packs.find('2')]).toEqual([
      { gitDir: '/b', pack: other },
      { gitDir: '/c', pack: third },
    ]);
    const smaller = { tips: '1', name: 'pack-b', file: '4', bytes: 1 };
    packs.set('/d', 'r', smaller);
    expect(packs.find('1')).toEqual({ gitDir: '/d', pack: smaller });
    packs.forget('/d');
    packs.forget('/b');
    expect([packs.find('1')?.gitDir, packs.hasSeveral('r')]).toEqual(['/a', false]);
    packs.keepOnly(new Set(['/c']));
    expect([packs.find('1'), packs.isEmpty]).toEqual([undefined, false]);
    packs.set('/c', 's', undefined);
    expect(packs.isEmpty).toBe(true);
  });
});
