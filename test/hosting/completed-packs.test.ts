import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { HelperGitStreams } from '../../src/git/git-streams.js';
import type { PackRoom } from '../../src/git/objects/pack-growth.js';
import { Quarantine } from '../../src/git/objects/quarantine.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { takePack } from '../../src/hosting/incoming-pack.js';
import { systemClock } from '../../src/lib/clock.js';
import { git, scratchFolder } from '../git/scratch.js';
import { changesOf } from './packs.js';

// Git takes no minutes here, but is looked at as often meanwhile.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  const lowered = { packGrowthLookMs: 10 };
  return { limits: { ...real, ...lowered } as typeof real };
});

const fileBytes = 500_000;

/**
 * What becomes of a pack of few bytes that git completes by so many files, which are there as small changes of one, and what it
 * has written by then.
 */
async function taken(files: number, bytesMax: number, roomOf: (packBytes: number) => PackRoom) {
  using theirs = scratchFolder();
  using work = scratchFolder();
  git(theirs.path, ['init', '-q', '--bare']);
  const noise = randomBytes(fileBytes);
  const id = git(theirs.path, ['hash-object', '-w', '--stdin'], noise);
  const names = Array.from({ length: files }, (_, at) => String(at).padStart(3, '0'));
  const there = names.map((behind) => ({ id, bytes: fileBytes, behind }));
  git(theirs.path, ['index-pack', '--stdin', '--fix-thin'], changesOf(there));
  const bytes = fileBytes + 3;
  const begin = createHash('sha1').update(`blob ${bytes}\0`).update(noise);
  const idOf = (behind: string) => begin.copy().update(behind).digest('hex');
  const pack = changesOf(names.map((name) => ({ id: idOf(name), bytes, behind: 'x' })));
  expect(pack.length).toBeLessThan(50 + 50 * files);
  const stop = new AbortController();
  const outcome = await takePack(
    { streams: new HelperGitStreams(new GitHelper(stop.signal), systemClock), clock: systemClock },
    new Quarantine(theirs.path, work.path),
    sent(pack, join(work.path, 'pack'))[Symbol.asyncIterator](),
    { bytesMax, bytesMaxIs: 'so it is', objectsMax: 1_000, msMax: 60_000 },
    roomOf(pack.length),
    stop.signal,
  );
  stop.abort();
  const folder = join(work.path, 'pack');
  const written = readdirSync(folder).map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
  return { outcome, written };
}

/** In two pieces, the second when git has begun to write what it completes later. */
async function* sent(pack: Buffer, folder: string): AsyncGenerator<Buffer> {
  yield pack.subarray(0, 100);
  await vi.waitFor(() => expect(readdirSync(folder)).toEqual(unfinished.map(({ name }) => name)), 60_000);
  yield pack.subarray(100);
}

/** As git names what it has not finished. */
const unfinished = [{ name: expect.stringMatching(/^tmp_pack_/), bytes: expect.any(Number) }];

it('a pack is ended while git completes it by what it builds upon, where there is no room for that', async () => {
  const asked: number[] = [];
  const { outcome, written } = await taken(400, 1e9, (packBytes) => ({
    take: (bytes) => {
      asked.push(bytes);
      return bytes > packBytes ? 'no room' : undefined;
    },
  }));
  expect(outcome).toMatchObject({ type: 'refused', cause: 'room', reason: 'no room' });
  // For each piece that came, and once for what git wrote.
  expect(asked).toHaveLength(3);
  expect(written).toEqual(unfinished);
  expect(written[0]?.bytes).toBeLessThan(400 * fileBytes);
});

it('the same where it becomes larger than a pack may be', async () => {
  const { outcome, written } = await taken(400, 1_000_000, () => ({ take: () => undefined }));
  const reason = 'a pack has at most 1000000 bytes here (so it is), with what it builds upon';
  expect(outcome).toMatchObject({ type: 'refused', cause: 'large', reason });
  expect(written).toEqual(unfinished);
  expect(written[0]?.bytes).toBeLessThan(400 * fileBytes);
});

it('room for all that git completes a pack by is taken, once', async () => {
  let bytes = 0;
  const { outcome, written } = await taken(5, 1e9, () => ({
    take: (more) => {
      bytes += more;
      return undefined;
    },
  }));
  expect(outcome).toMatchObject({ type: 'taken' });
  expect(bytes).toBe(written.find(({ name }) => name.endsWith('.pack'))?.bytes);
});
