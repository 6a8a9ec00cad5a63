import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { limits } from '../../config/limits.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import { metaKeys } from './keys.js';

export type Database = Level<Uint8Array, Uint8Array>;

/** What stands in a database about itself. */
export type Identity = {
  /** Tells a snapshot of this database from that of another. */
  readonly databaseId: string;
  /** The secret of the term hashes: 8 bytes. */
  readonly hashSeed: Uint8Array;
};

/** The layout that this program reads and writes. A higher one is of a newer program. */
const schemaVersion = 1;

/** Opens the LevelDB below `path`. Throws `StoreError` (`store_locked`, `store_unreadable`). */
export async function openDatabase(path: string): Promise<Database> {
  const db: Database = new Level<Uint8Array, Uint8Array>(join(path, 'events'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxOpenFiles: limits.storeOpenFilesMax,
  });
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
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (errorCode(cause) === 'LEVEL_LOCKED') {
      throw new StoreError('store_locked', `the store at ${path} is in use by another process`, { cause });
    }
    throw unreadable(path, errorMessage(cause), cause);
  }
}

/** Reads who the database is; a new one is given its identity. Throws `StoreError`. */
export async function identify(db: Database, path: string): Promise<Identity> {
  const text = await db.get(metaKeys.schema);
  if (text === undefined) return create(db, path);
  const meta = parseJson(text);
  if (typeof meta !== 'object' || meta === null) throw unreadable(path, 'its description is damaged');
  const { schema, databaseId, hashSeed } = meta as Record<string, unknown>;
  if (typeof schema === 'number' && schema > schemaVersion) {
    throw new StoreError(
      'store_newer_schema',
      `the store at ${path} has schema ${schema}, this program reads up to ${schemaVersion}; use a newer one`,
    );
  }
  if (schema !== schemaVersion || typeof databaseId !== 'string' || !isSeed(hashSeed)) {
    throw unreadable(path, 'its description is damaged');
  }
  return { databaseId, hashSeed: Buffer.from(hashSeed, 'hex') };
}

export function unreadable(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError('store_unreadable', `the store at ${path} cannot be read: ${why}`, { cause });
}

function isSeed(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
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
  if (key !== undefined) throw unreadable(path, 'it was not made by this program');
  const databaseId = randomBytes(16).toString('hex');
  const hashSeed = randomBytes(8);
  const meta = { schema: schemaVersion, databaseId, hashSeed: hashSeed.toString('hex') };
  await db.put(metaKeys.schema, jsonBytes(meta), { sync: true });
  return { databaseId, hashSeed };
}
