import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, writeBlob } from '../git/scratch.js';
import { announcement, key } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld } from './hosting-world.js';

const megabyte = 2 ** 20;
const lowered = vi.hoisted(() => ({ pushCheckMemoryBytesMin: 0, pushCheckMemoryBytesPerObject: 0 }));

// As they are, it would take trees of a gigabyte.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  return { limits: Object.setPrototypeOf(lowered, real) as typeof real };
});

const repository: RepositoryId = { pubkey: key(1), identifier: 'r' };
const [levels, treeBytes] = [40, 2 * megabyte];

/** A commit of a folder in which there is a folder, and so on; the trees of all of them are nearly the same. */
function nestedCommit(gitDir: string): string {
  const blob = writeBlob(gitDir, 'x');
  const line = (_: unknown, at: number) => `100644 blob ${blob}\t${String(at).padStart(7, '0')}\n`;
  const files = Array.from({ length: Math.ceil(treeBytes / 35) }, line).join('');
  let tree = git(gitDir, ['mktree', '--missing'], files);
  for (let level = 1; level < levels; level += 1)
    tree = git(gitDir, ['mktree', '--missing'], `${files}040000 tree ${tree}\tz\n`);
  return git(gitDir, ['commit-tree', tree, '-m', 'nested']);
}

describe('Large trees within each other', () => {
  const mine = client();
  let commit: string;
  let pack: Buffer;
  beforeAll(() => {
    commit = nestedCommit(mine.path);
    pack = mine.pack([commit]);
    return () => mine[Symbol.dispose]();
  });

  /** What is said of a push where git may take so much memory. */
  async function push(memory: typeof lowered): Promise<string> {
    Object.assign(lowered, memory);
    await using world = await hostingWorld();
    await world.hold(announcement(repository.pubkey, 'r'));
    const lines = [[`refs/nostr/${'a'.repeat(64)}`, commit]] as const;
    return (await world.push(repository, { lines, pack })).join();
  }

  it('are refused where git needs more memory for them than for as many others', async () => {
    expect(pack.length).toBeLessThan(megabyte);
    const memory = { pushCheckMemoryBytesMin: 64 * megabyte, pushCheckMemoryBytesPerObject: 512 };
    expect(await push(memory)).toMatch(/^unpack the push failed on this server/);
  });

  it('are taken where as many objects come', async () => {
    const perObject = (2 * levels * treeBytes) / levels;
    const memory = { pushCheckMemoryBytesMin: 128 * megabyte, pushCheckMemoryBytesPerObject: perObject };
    expect(await push(memory)).toMatch(/^unpack ok,ok /);
  });
});
