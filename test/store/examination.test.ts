import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { encodeBody } from '../../src/nostr/event-body.js';
import { StoreError } from '../../src/store/event-store.js';
import { type Database, identify, openDatabase } from '../../src/store/level/database.js';
import { examineStore } from '../../src/store/level/examination/examine-store.js';
import { StoreCopy } from '../../src/store/level/examination/store-copy.js';
import {
  bodiesEnd,
  bodiesStart,
  bodyKey,
  bodySequence,
  journalKey,
  segmentKey,
} from '../../src/store/level/keys.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { readLevelLog } from '../../src/store/level/read-level-log.js';
import { sealBody } from '../../src/store/log/bodies/sealed-body.js';
import { Losses } from '../../src/store/log/losses.js';
import { isRow, noSegment, readSegment, recordsOf, SegmentWriter } from '../../src/store/log/segment.js';
import { writeSnapshot } from '../../src/store/log/snapshot.js';
import { scratchFolder } from '../git/scratch.js';
import { event, key } from '../policy/world.js';

const alice = key(1);

async function put(path: string, ...events: readonly NostrEvent[]): Promise<void> {
  const { store } = await openLevelStore({ path, clock: systemClock });
  for (const each of events) await store.put(each).written;
  await store[Symbol.asyncDispose]();
}

/** Changes the database of a store behind its back. */
async function meddle(path: string, change: (db: Database) => Promise<void>): Promise<void> {
  const db = await openDatabase(path);
  await change(db);
  await db.close();
}

async function bodies(db: Database): Promise<[key: Uint8Array, sequence: number][]> {
  const keys = await db.keys({ gte: bodiesStart, lt: bodiesEnd }).all();
  return keys.map((found) => [found, bodySequence(found)]);
}

/** As if what the last write removed had been left out of it, and its event had stayed. */
async function bringBack(path: string, gone: NostrEvent): Promise<void> {
  await meddle(path, async (db) => {
    const numbers = [2, 1].map(segmentKey);
    const [last, first] = (await db.getMany(numbers)).map((bytes, at) => readSegment(2 - at, bytes!)!);
    const writer = new SegmentWriter();
    for (const record of recordsOf(last!)) if (isRow(record)) writer.copy(record);
    await db.put(numbers[0]!, writer.finish(last!.nextSequence, last!.before ?? noSegment, last!.id));
    const [record] = recordsOf(first!);
    const sequence = record![3]! * 2 ** 32 + record![2]!;
    await db.put(bodyKey(sequence), sealBody(encodeBody(gone), sequence));
  });
}

async function findingsOf(original: string, verify?: Parameters<typeof examineStore>[1]): Promise<string[]> {
  await using copy = await StoreCopy.make(original);
  const found: string[] = [];
  for await (const { what, about } of examineStore(copy.path, verify)) found.push(`${what}: ${about}`);
  return found;
}

/** How an event is named: also one that is gone, by what the index knows of it. */
function named({ id, kind, created_at }: NostrEvent): string {
  return `event ${id}, kind ${kind}, of ${new Date(created_at * 1_000).toISOString()}`;
}

describe('the examination of a store', () => {
  it('finds nothing where the snapshot, what came after it, and the log agree, and changes no file', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    const replaced = event(alice, 30618, [['d', 'x']]);
    const deleted = event(alice, 1, []);
    const expiring = event(alice, 1, [['expiration', '4000000000']]);
    await put(
      path,
      replaced,
      deleted,
      expiring,
      event(alice, 1, [
        ['t', 'a'],
        ['t', 'a'],
      ]),
    );
    const { store } = await openLevelStore({ path, clock: systemClock });
    store.put(event(alice, 30618, [['d', 'x']]));
    store.put(event(alice, 5, [['e', deleted.id]]));
    await store.flush();
    const before = await filesIn(path);
    // Right now, as a kill would leave it.
    expect(await findingsOf(path)).toEqual([]);
    expect(await filesIn(path)).toEqual(before);
    await store[Symbol.asyncDispose]();
  });

  it('finds an event without its row, a row without its event, and another in its place', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    const [gone, changed, stray] = [event(alice, 1, []), event(alice, 1, []), event(alice, 1, [['t', 'x']])];
    await put(path, gone, changed);
    await meddle(path, async (db) => {
      const [[first], [second, sequence]] = (await bodies(db)) as [
        [Uint8Array, number],
        [Uint8Array, number],
      ];
      await db.del(first);
      await db.put(second, sealBody(encodeBody(stray), sequence));
      await db.put(bodyKey(sequence + 9), sealBody(encodeBody(stray), sequence + 9));
    });
    expect(await findingsOf(path)).toEqual([
      `missing: ${named(gone)}`,
      `index: ${named(changed)}: its event is ${stray.id}`,
      `index: ${named(changed)}: another time`,
      `index: ${named(changed)}: not found by its term 3`,
      `stray: ${named(stray)}`,
    ]);
  });

  it('names lost events by their dates, also one that no calendar has', async () => {
    using folder = scratchFolder();
    const lost = [1_700_000_000, Number.MAX_SAFE_INTEGER].map((created_at) =>
      event(alice, 1, [], { created_at }),
    );
    await put(folder.path, ...lost);
    await meddle(folder.path, async (db) => {
      for (const [key] of await bodies(db)) await db.del(key);
    });
    expect(await findingsOf(folder.path)).toEqual([
      `missing: event ${lost[0]?.id}, kind 1, of 2023-11-14T22:13:20.000Z`,
      `missing: event ${lost[1]?.id}, kind 1, of +275760-09-13T00:00:00.000Z`,
    ]);
  });

  it('finds what stands against the rules of NIP-01 and NIP-09', async () => {
    using folders = scratchFolder();
    const [one, two] = [join(folders.path, 'one'), join(folders.path, 'two')];
    const old = event(alice, 30618, [['d', 'x']]);
    await put(one, old, event(alice, 30618, [['d', 'x']]));
    await bringBack(one, old);
    expect(await findingsOf(one)).toContain(`overtaken: ${named(old)}`);
    const deleted = event(alice, 1, []);
    await put(two, deleted, event(alice, 5, [['e', deleted.id]]));
    await bringBack(two, deleted);
    expect(await findingsOf(two)).toContain(`deleted: ${named(deleted)}`);
  });

  it('finds a snapshot that is not what the log comes to', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    const [lost, other] = [event(alice, 1, []), event(alice, 1, [])];
    await put(path, lost, other);
    await meddle(path, async (db) => {
      const identity = await identify(db, path);
      const { index, size } = await readLevelLog(db, path, identity, new Losses());
      index.kill(index.find(lost.id));
      await writeSnapshot(path, index, identity.databaseId, size);
    });
    const found = await findingsOf(path);
    expect(found).toContain(
      'snapshot: the snapshot differs from the log: 1 and 0 stored and refused events, of 2 and 0',
    );
    expect(found.at(-1)).toBe('snapshot: and more');
  });

  it('finds damaged records of the journal, and wrong signatures when asked to', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    const [right, wrong] = [event(alice, 1, []), event(alice, 1, [])];
    await put(path, right, wrong);
    await meddle(path, (db) => db.put(journalKey('held:1'), Buffer.from('{}....')));
    const verify = async (events: readonly NostrEvent[]) => events.map(({ id }) => id === right.id);
    expect(await findingsOf(path, verify)).toEqual([
      `unsigned: ${named(wrong)}`,
      'journal: the record held:1 is damaged',
    ]);
  });

  it('says of a store that cannot be opened why, in words of the store itself', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    await put(path, event(alice, 1, []));
    await meddle(path, (db) => db.put(Buffer.from('m:schema'), Buffer.from('{}')));
    await using copy = await StoreCopy.make(path);
    const error = await examineStore(copy.path)
      .next()
      .catch((thrown: unknown) => copy.explain(thrown));
    expect(error).toBeInstanceOf(StoreError);
    expect((error as StoreError).message).toMatch(
      `the store at ${path} cannot be read: its description is damaged`,
    );
  });
});

/** All files of a store with what is in them, but for those that tell who has it open. */
async function filesIn(path: string): Promise<Map<string, string>> {
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const files = new Map<string, string>();
  for (const { parentPath, name } of names)
    files.set(join(parentPath, name), (await readFile(join(parentPath, name))).toString('latin1'));
  return files;
}
