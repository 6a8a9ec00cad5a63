import { appendFile, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { readableNames } from '../../lib/disk/readable-names.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { eventHash, type NostrEvent } from '../../nostr/event.js';
import { StoreError } from '../event-store.js';
import { LazyBody } from '../log/bodies/body-codec.js';
import { unsealBody } from '../log/bodies/sealed-body.js';
import { snapshotName } from '../log/snapshot.js';
import type { Database } from './database.js';
import { databasePath, repairName } from './folder.js';
import { journalRecords } from './journal-records.js';
import { bodiesEnd, bodiesStart, bodySequence } from './keys.js';
import { openLevelStore } from './open-level-store.js';

/** What the types leave out because browsers do not have it. */
type LevelOfNode = typeof Level & { repair(location: string): Promise<void> };

/** What became of a damaged store. */
export type Salvage = {
  /** Events that are stored now. */
  readonly events: number;
  /** Events that were found and could not be read. */
  readonly damagedEvents: number;
  /** Files of the database that could not be copied, with why. */
  readonly unreadableFiles: readonly string[];
  /** The folder with the database as it was. */
  readonly keptIn: string;
};

/** The last bytes of each table. */
const tableMagic = Buffer.from('57fb808b247547db', 'hex');

/** Files of LevelDB that have something in them. */
const dataFile = /^(\d+\.(ldb|sst|log)|MANIFEST-\d+)$/;

/**
 * Makes the store at `path` anew of all events and records of the journal that can be read, by the rules of NIP-01, 09 and 40;
 * what was refused is not remembered any more. The database as it was is moved below `lost/`. Nobody may have it open. The
 * damaged one is in its place until the new one is whole on the disk; a repair that was broken off after that is finished by
 * the next one (`finishSalvage`). Throws `StoreError`.
 */
export async function salvageStore(path: string, clock: Clock): Promise<Salvage> {
  const aside = join(path, repairName);
  await rm(aside, { recursive: true, force: true });
  const old = join(aside, 'old');
  const unreadableFiles = await copyFiles(databasePath(path), old);
  await (Level as LevelOfNode).repair(old);
  const taken = await takeOver(old, join(aside, 'making'), clock);
  await rm(old, { recursive: true, force: true });
  await rename(join(aside, 'making'), join(aside, 'made'));
  await syncFolder(aside);
  const keptIn = await finishSalvage(path, clock);
  return { ...taken, unreadableFiles, keptIn: keptIn ?? path };
}

/** Puts in its place what a repair made, where one did; answers where the database as it was is then. */
export async function finishSalvage(path: string, clock: Pick<Clock, 'now'>): Promise<string | undefined> {
  const aside = join(path, repairName);
  const made = join(aside, 'made');
  if (!(await readableNames(aside)).includes('made')) return undefined;
  const keptIn = join(path, 'lost', new Date(clock.now()).toISOString().replaceAll(':', '-'));
  // Of a repair that was broken off here the new database may be in its place already.
  if ((await readableNames(made)).includes('events')) {
    await mkdir(keptIn, { recursive: true });
    for (const name of ['events', snapshotName]) await moveIfThere(join(path, name), join(keptIn, name));
    await syncFolder(keptIn);
    await moveIfThere(join(made, snapshotName), join(path, snapshotName));
    await rename(join(made, 'events'), databasePath(path));
    await syncFolder(path);
  }
  await rm(aside, { recursive: true, force: true });
  return keptIn;
}

/** Copies what can be read of a database into a new folder; answers what cannot. */
async function copyFiles(from: string, to: string): Promise<string[]> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const unreadable: string[] = [];
  for (const name of (await readableNames(from)).filter((file) => dataFile.test(file))) {
    try {
      await copyFile(join(from, name), join(to, name));
      if (/\.(ldb|sst)$/.test(name)) await completeTable(join(to, name));
    } catch (error) {
      unreadable.push(`${name}: ${errorMessage(error)}`);
      await rm(join(to, name), { recursive: true, force: true });
    }
  }
  return unreadable;
}

/** Puts back what lacks of the end of a table that was cut short within its magic number: without that none of it is read. */
async function completeTable(path: string): Promise<void> {
  const end = (await readFile(path)).subarray(-tableMagic.length);
  if (end.equals(tableMagic)) return;
  for (let length = tableMagic.length - 1; length > 0; length -= 1)
    if (end.subarray(-length).equals(tableMagic.subarray(0, length)))
      return await appendFile(path, tableMagic.subarray(length));
}

async function takeOver(
  from: string,
  to: string,
  clock: Clock,
): Promise<Pick<Salvage, 'events' | 'damagedEvents'>> {
  const db = new Level<Uint8Array, Uint8Array>(from, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  }) as Database;
  const { store, journal } = await openLevelStore({ path: to, clock, durability: 'system' });
  let damagedEvents = 0;
  try {
    let written: Promise<void> = Promise.resolve();
    let waiting = 0;
    for await (const [key, value] of db.iterator({ gte: bodiesStart, lt: bodiesEnd })) {
      const event = eventIn(key, value);
      if (event === undefined) {
        damagedEvents += 1;
        continue;
      }
      written = store.put(event).written;
      written.catch(() => {});
      waiting += 1;
      if (waiting % limits.storeBatchEventsMax === 0) await written;
    }
    await written;
    for await (const { name, value } of journalRecords(db)) await journal.put(name, value);
    await store.flush();
    return { events: store.size, damagedEvents };
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError('store_unreadable', `the store cannot be repaired: ${errorMessage(cause)}`, {
      cause,
    });
  } finally {
    await store[Symbol.asyncDispose]();
    await db.close();
  }
}

function eventIn(key: Uint8Array, value: Uint8Array): NostrEvent | undefined {
  if (key.length !== 9) return undefined;
  try {
    const sequence = bodySequence(key);
    const body = unsealBody(value, sequence);
    const event = body && new LazyBody(sequence, body).event;
    return event !== undefined && eventHash(event) === event.id ? event : undefined;
  } catch {
    return undefined;
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
}
