import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, gitBytes, writeBlob } from '../git/scratch.js';
import { announcement, key } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld } from './hosting-world.js';
import { deltaBomb } from './packs.js';

const megabyte = 2 ** 20;
const lowered = vi.hoisted(() => ({
  pushCheckMemoryBytesMin: 0,
  pushCheckMemoryBytesPerObject: 0,
  pushIndexMemoryBytesPerThread: 0,
}));

// As they are, it would take trees of a gigabyte.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  return { limits: Object.setPrototypeOf(lowered, real) as typeof real };
});

const repository: RepositoryId = { pubkey: key(1), identifier: 'r' };
const [levels, files] = [100, 15_000];

/** A commit of a folder in which there is a folder, and so on; the trees of all of them are nearly the same, of 0.5 MB each. */
function nestedCommit(gitDir: string): string {
  const blob = Buffer.from(writeBlob(gitDir, 'x'), 'hex');
  const file = (_: unknown, at: number) => [Buffer.from(`100644 ${String(at).padStart(7, '0')}\0`), blob];
  const tree = Buffer.concat(Array.from({ length: files }, file).flat());
  const write = (...entries: Buffer[]) =>
    git(gitDir, ['hash-object', '-t', 'tree', '-w', '--stdin'], Buffer.concat([tree, ...entries]));
  let id = write();
  for (let level = 1; level < levels; level += 1)
    id = write(Buffer.from('40000 z\0'), Buffer.from(id, 'hex'));
  return git(gitDir, ['commit-tree', id, '-m', 'nested']);
}

describe('Large trees within each other', () => {
  const mine = client();
  let commit: string;
  let pack: Buffer;
  beforeAll(() => {
    commit = nestedCommit(mine.path);
    pack = gitBytes(
      mine.path,
      ['pack-objects', '--revs', '--stdout', '--quiet', '--window=1'],
      `${commit}\n`,
    );
    return () => mine[Symbol.dispose]();
  });

  /** What is said of a push where git may take so much memory. */
  async function push(memory: Partial<typeof lowered>): Promise<string> {
    Object.assign(lowered, { pushIndexMemoryBytesPerThread: 128 * megabyte }, memory);
    await using world = await hostingWorld();
    await world.hold(announcement(repository.pubkey, 'r'));
    const lines = [[`refs/nostr/${'a'.repeat(64)}`, commit]] as const;
    return (await world.push(repository, { lines, pack })).join();
  }

  it('are refused where git needs more memory for them than for as many others', async () => {
    const memory = { pushCheckMemoryBytesMin: 24 * megabyte, pushCheckMemoryBytesPerObject: 512 };
    expect(await push(memory)).toMatch(/^unpack the push failed on this server/);
  });

  it('are taken where as many objects come', async () => {
    const memory = { pushCheckMemoryBytesMin: 24 * megabyte, pushCheckMemoryBytesPerObject: 16 * megabyte };
    expect(await push(memory)).toMatch(/^unpack ok,ok /);
  });
});

it('a few bytes that make a large object have git take no more memory than that', async () => {
  const memory = { pushCheckMemoryBytesMin: 24 * megabyte, pushCheckMemoryBytesPerObject: 512 };
  Object.assign(lowered, memory, { pushIndexMemoryBytesPerThread: 8 * megabyte });
  await using world = await hostingWorld();
  await world.hold(announcement(repository.pubkey, 'r'));
  const lines = [[`refs/nostr/${'a'.repeat(64)}`, 'b'.repeat(40)]] as const;
  const report = await world.push(repository, { lines, pack: deltaBomb(256 * megabyte) });
  expect(report[0]).toMatch(/^unpack Out of memory/i);
});
