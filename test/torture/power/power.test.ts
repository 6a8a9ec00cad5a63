import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../../src/lib/random.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { testIdentity } from '../../support/events.js';
import { GitClient } from '../../support/git-client.js';
import { HostingDaemon } from '../../support/hosting-daemon.js';
import { CrashModel, type LeftEntry, type LeftFolder } from './crash-model.js';
import { failOften } from './power.js';
import { hasCompiler, Recorder } from './recording.js';
import type { DiskRecord } from './records.js';

const canRecord = await hasCompiler();
if (!canRecord) console.warn('skipped: power failures need Linux and a C compiler (cc)');

const time = 0n;
const create = (path: string, inode: bigint): DiskRecord => ({ time, type: 'create', path, inode });
const write = (inode: bigint, text: string, at = 0): DiskRecord => ({
  time,
  type: 'write',
  inode,
  at,
  data: Buffer.from(text),
});
const sync = (inode: bigint): DiskRecord[] => [
  { time, type: 'sync-begin', inode, which: inode },
  { time, type: 'sync-file', inode, which: inode },
];
const syncFolder = (path: string): DiskRecord[] => [
  { time, type: 'sync-begin', inode: 99n, which: 99n },
  { time, type: 'sync-folder', path, which: 99n },
];

/** All that power failures after these operations were seen to leave, as `name=content` in order. */
function outcomes(records: readonly DiskRecord[], random: Random = seededRandom(1)): Set<string> {
  const model = new CrashModel('/d', [], []);
  for (const record of records) model.apply(record);
  return new Set(Array.from({ length: 300 }, () => wordsOf(model.afterFailure(random))));
}

function wordsOf({ entries }: LeftFolder): string {
  const words = [...entries].map(([name, entry]) =>
    entry.type === 'folder' ? `${name}/(${wordsOf(entry)})` : `${name}=${entry.bytes.toString('latin1')}`,
  );
  return words.sort().join(' ').replaceAll('\0', '0');
}

describe('what a power failure leaves', () => {
  it('of a file that nothing forced is nothing, its name, zeros, or what was written', () => {
    expect(outcomes([create('/d/a', 1n), write(1n, 'xy')])).toEqual(new Set(['', 'a=', 'a=00', 'a=xy']));
  });

  it('of a file that was forced is all up to then', () => {
    const records = [create('/d/a', 1n), write(1n, 'xy'), ...sync(1n), write(1n, 'z', 2)];
    expect(outcomes(records)).toEqual(new Set(['a=xy', 'a=xy0', 'a=xyz']));
  });

  it('of what is forced while it is written to is what was there when that began', () => {
    const [begin, end] = sync(1n) as [DiskRecord, DiskRecord];
    expect(outcomes([create('/d/a', 1n), begin, write(1n, 'x'), end])).toContain('a=');
  });

  it('of a file in the place of another is either, whole, when its content was forced before', () => {
    const records = [
      ...[create('/d/a', 1n), write(1n, 'old'), ...sync(1n)],
      ...[create('/d/b', 2n), write(2n, 'new'), ...sync(2n)],
    ];
    const renamed: DiskRecord = { time, type: 'rename', path: '/d/b', to: '/d/a' };
    expect(outcomes([...records, renamed])).toEqual(new Set(['a=old b=new', 'a=new']));
    expect(outcomes([...records, renamed, ...syncFolder('/d')])).toEqual(new Set(['a=new']));
  });

  it('of a large write may be any of its sectors', () => {
    const model = new CrashModel('/d', [], []);
    for (const record of [create('/d/a', 1n), ...sync(1n), write(1n, 'x'.repeat(9_000))]) model.apply(record);
    const random = seededRandom(2);
    const sectors = new Set<string>();
    for (let at = 0; at < 300; at += 1) {
      const left = model.afterFailure(random).entries.get('a');
      if (left?.type !== 'file') throw new Error('there is no file');
      for (let from = 0; from < left.bytes.length; from += 512)
        sectors.add(`${from / 512}${left.bytes[from] === 0 ? 'lost' : 'there'}`);
    }
    expect(sectors.size).toBe(36);
  });

  it('of names in a folder is what came first, and of two folders either', () => {
    const folders: DiskRecord[] = ['/d/f', '/d/g'].map((path) => ({ time, type: 'folder', path }));
    const made = ['/d/f/1', '/d/f/2', '/d/g/3'].map((path, at) => create(path, BigInt(at + 1)));
    const found = outcomes([...folders, ...syncFolder('/d'), ...made]);
    expect(found).toContain('f/() g/(3=)');
    expect(found).toContain('f/(1= 2=) g/()');
    expect([...found].filter((words) => words.includes('f/(2='))).toEqual([]);
  });
});

describe.skipIf(!canRecord)('graspd', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-power-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has a ref as it was pushed after any power failure, whatever of its names nobody else forced', async () => {
    const root = join(folder, 'pushed');
    const log = join(folder, 'pushed.log');
    await mkdir(root);
    const recorder = await Recorder.make(folder);
    const recording = await recorder.record(root, log, 0);
    const hosting = await HostingDaemon.start({ directory: root, environment: recording.environment });
    await using git = await GitClient.init();
    const owner = testIdentity(1);
    const commit = await git.commit('file', 'content');
    await hosting.publish(hosting.announcement(owner, 'pushed'));
    await hosting.publish(hosting.state(owner, 'pushed', { 'refs/heads/main': commit }));
    await git.ok('push', hosting.urlOf(owner, 'pushed'), 'main');
    const pushedAt = process.hrtime.bigint();
    await hosting[Symbol.asyncDispose]();
    const model = recording.model();
    for (const record of await recording.records()) if (record.time <= pushedAt) model.apply(record);
    const random = seededRandom(1);
    const path = ['data', 'git', npubOf(owner.pubkey), 'pushed.git', 'refs', 'heads', 'main'];
    const found = new Set<string>();
    for (let failure = 0; failure < 300; failure += 1) {
      let entry: LeftEntry | undefined = model.afterFailure(random);
      for (const name of path) entry = entry?.type === 'folder' ? entry.entries.get(name) : undefined;
      found.add(entry?.type === 'file' ? entry.bytes.toString() : 'nothing');
    }
    expect(found).toEqual(new Set([`${commit}\n`]));
  }, 60_000);

  it('has all that it promised after power failures under load', async () => {
    const broken: string[] = [];
    let tried = 0;
    await failOften(
      {
        random: seededRandom(1),
        folder,
        signal: new AbortController().signal,
        timeLeft: () => (tried === 0 ? 1_000 : tried < 2 ? 1 : 0),
        tried: () => {
          tried += 1;
        },
        broken: (_, how) => broken.push(how),
        progress: () => {},
      },
      { loadMs: 800, failures: 2, lookedAtOnly: 300 },
    );
    expect(broken).toEqual([]);
    expect(tried).toBeGreaterThan(0);
  }, 180_000);
});
