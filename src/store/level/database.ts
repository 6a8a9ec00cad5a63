import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { Level } from 'level';
import { limits } from '../../config/limits.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import type { Identity } from '../log/replay.js';
import { snapshotName } from '../log/snapshot.js';
import { databasePath, hasSnapshot, isUnwritten, lostDatabase } from './folder.js';
import { isOwnKey, metaKeys } from './keys.js';

export type Database = Level<Uint8Array, Uint8Array> & {
  /** What the types leave out because browsers do not have it. */
  compactRange(start: Uint8Array, end: Uint8Array, options: { keyEncoding: 'view' }): Promise<void>;
};

/** A database as it was when that was made. */
export type DatabaseSnapshot = ReturnType<Database['snapshot']>;

/** A range there makes LevelDB compact nothing but its memory. */
const behindAllKeys = Buffer.from('z');

/**
 * The layout that this program writes. A higher one is of a newer program. In that of schema 1, which is read too,
 * segments do not name the one before them.
 */
const schemaVersion = 2;
const schemaVersionMin = 1;

/**
 * Opens the LevelDB below `path`, and makes it where there never was one. Throws `StoreError` (`store_locked`,
 * `store_unreadable`).
 */
export async function openDatabase(path: string): Promise<Database> {
  // Before anything opens it: LevelDB would begin a new database, and delete the files of the old one.
  const lost = lostDatabase(path);
  if (lost !== undefined) throw damaged(path, lost);
  if (isUnwritten(path)) await rm(databasePath(path), { recursive: true, force: true });
  const db = new Level<Uint8Array, Uint8Array>(databasePath(path), {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxOpenFiles: limits.storeOpenFilesMax,
  }) as Database;
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw unreadable(path, errorMessage(error), error);
  }
  await openAgain(db, path);
  return db;
}

/** Opens a database that was closed. Throws as `openDatabase`. */
export async function openAgain(db: Database, path: string): Promise<void> {
  try {
    await db.open();
    // LevelDB leaves it to the system when `CURRENT` names the new manifest, and writes at once to the log that this knows.
    await syncFolder(databasePath(path));
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (errorCode(cause) === 'LEVEL_LOCKED') {
      throw new StoreError('store_locked', `the store at ${path} is in use by another process`, { cause });
    }
    const refuse = errorCode(cause) === 'LEVEL_CORRUPTION' ? damaged : unreadable;
    throw refuse(path, errorMessage(cause), cause);
  }
}

/** Reads who the database is; a new one is given its identity. Throws `StoreError`. */
export async function identify(db: Database, path: string): Promise<Identity> {
  const text = await db.get(metaKeys.schema);
  if (text === undefined) return create(db, path);
  const meta = parseJson(text);
  if (typeof meta !== 'object' || meta === null) throw damaged(path, 'its description is damaged');
  const { schema, databaseId, hashSeed } = meta as Record<string, unknown>;
  if (typeof schema === 'number' && schema > schemaVersion) {
    throw new StoreError(
      'store_newer_schema',
      `the store at ${path} has schema ${schema}, this program reads up to ${schemaVersion}; use a newer one`,
    );
  }
  const isKnown = typeof schema === 'number' && schema >= schemaVersionMin;
  if (!isKnown || typeof databaseId !== 'string' || !isSeed(hashSeed)) {
    throw damaged(path, 'its description is damaged');
  }
  if (schema < schemaVersion) await describe(db, databaseId, hashSeed);
  return { databaseId, hashSeed: Buffer.from(hashSeed, 'hex') };
}

export function unreadable(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError('store_unreadable', `the store at ${path} cannot be read: ${why}`, { cause });
}

/** As `unreadable`, for what only a backup, or the loss of what is there, brings to an end. */
export function damaged(path: string, why: string, cause?: unknown): StoreError {
  return unreadable(
    path,
    `${why}; graspd repair makes it anew of all that can be read, or restore it from a backup`,
    cause,
  );
}

function isSeed(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

/** The JSON under a key: `undefined` if there is none, `null` if it is damaged. */
export async function readMeta(db: Database, key: Uint8Array): Promise<unknown> {
  const bytes = await db.get(key);
  return bytes === undefined ? undefined : (parseJson(bytes) ?? null);
}

/**
 * Has all that was written forced to the disk. LevelDB forces its newest log only, and only together with a write; a
 * table that it makes of its memory is forced, and whatever it has in memory goes there.
 */
export async function syncDatabase(db: Database): Promise<void> {
  await db.compactRange(behindAllKeys, behindAllKeys, { keyEncoding: 'view' });
}

/** The value of JSON in UTF-8; `undefined` if it is none. */
export function parseJson(text: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

async function create(db: Database, path: string): Promise<Identity> {
  const [key] = await db.keys({ limit: 1 }).all();
  if (key !== undefined) {
    if (isOwnKey(key)) throw damaged(path, 'its description is gone');
    throw unreadable(path, 'it was not made by this program');
  }
  if (hasSnapshot(path)) throw damaged(path, `it is empty, but ${snapshotName} is of a store`);
  const databaseId = randomBytes(16).toString('hex');
  const hashSeed = randomBytes(8);
  await describe(db, databaseId, hashSeed.toString('hex'));
  return { databaseId, hashSeed };
}

async function describe(db: Database, databaseId: string, hashSeed: string): Promise<void> {
  await db.put(metaKeys.schema, jsonBytes({ schema: schemaVersion, databaseId, hashSeed }), { sync: true });
}
