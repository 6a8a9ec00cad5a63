import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { EventIndex } from '../index/event-index.js';
import { imageOf, restoreImage } from '../index/index-image.js';
import type { LogSize } from './compaction.js';
import type { SegmentId } from './segment.js';

/*
 * The memory of the index in a file, so that a start after a clean stop need not build it:
 *
 *     | magic 8 | length of the description u32 LE | description, JSON | parts | SHA-256 of all before |
 *
 * It is a help and never the truth: whatever is wrong with it, the index is built from its segments.
 */
const magic = Buffer.from('graspix5');
const descriptionBytesMax = 16 * 2 ** 20;
const digestBytes = 32;

type Description = {
  readonly databaseId: string;
  readonly endianness: string;
  /** The log that the index is of. */
  readonly log: Readonly<LogSize>;
  readonly numbers: Readonly<Record<string, number>>;
  readonly partBytes: readonly number[];
};

/** The file of the snapshot, in the folder of the store. */
export const snapshotName = 'index.snapshot';

/** Writes the index as it is; it must not change meanwhile. */
export async function writeSnapshot(
  path: string,
  index: EventIndex,
  databaseId: string,
  log: Readonly<LogSize>,
): Promise<void> {
  const { numbers, parts } = imageOf(index);
  const partBytes = parts.map((part) => part.byteLength);
  const description: Description = { databaseId, endianness: endianness(), log, numbers, partBytes };
  const head = Buffer.from(JSON.stringify(description));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.byteLength);
  const written = join(path, `${snapshotName}.new`);
  const hash = createHash('sha256');
  const file = await open(written, 'w', 0o600);
  try {
    for (const bytes of [magic, length, head, ...parts]) {
      hash.update(bytes);
      await writeAll(file, bytes);
    }
    await writeAll(file, hash.digest());
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(written, join(path, snapshotName));
  await syncFolder(path);
}

/** Removes the snapshot, and what was left of one that was being written. */
export async function removeSnapshot(path: string): Promise<void> {
  await rm(join(path, snapshotName), { force: true });
  await removeUnfinishedSnapshot(path);
}

/** Removes what was left of a snapshot that was being written; the one before it stays. */
export async function removeUnfinishedSnapshot(path: string): Promise<void> {
  await rm(join(path, `${snapshotName}.new`), { force: true });
}

/**
 * Reads the index from the snapshot; `undefined` when there is none, or it is damaged, of another database, or of
 * a log for whose last segment `isUsable` is false.
 */
export async function readSnapshot(
  path: string,
  databaseId: string,
  hashSeed: Uint8Array,
  isUsable: (last: SegmentId) => Promise<boolean>,
): Promise<{ index: EventIndex; log: Readonly<LogSize> } | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(join(path, snapshotName), 'r');
    const hash = createHash('sha256');
    const read = async (bytes: number): Promise<ArrayBuffer> => {
      const part = await readAll(file!, bytes);
      hash.update(new Uint8Array(part));
      return part;
    };
    const start = Buffer.from(await read(magic.byteLength + 4));
    const headBytes = start.readUInt32LE(magic.byteLength);
    if (!start.subarray(0, magic.byteLength).equals(magic) || headBytes > descriptionBytesMax)
      return undefined;
    const description = JSON.parse(Buffer.from(await read(headBytes)).toString()) as Description;
    if (description.endianness !== endianness() || description.databaseId !== databaseId) return undefined;
    if (!(await isUsable(description.log.last))) return undefined;
    // Lengths that were damaged must not become allocations.
    const { size } = await file.stat();
    const total = description.partBytes.reduce((sum, bytes) => sum + bytes, 0);
    if (description.partBytes.some((bytes) => !(bytes >= 0 && bytes <= total))) return undefined;
    if (size !== start.byteLength + headBytes + total + digestBytes) return undefined;
    const parts: ArrayBuffer[] = [];
    for (const bytes of description.partBytes) parts.push(await read(bytes));
    const digest = Buffer.from(await readAll(file, digestBytes));
    if (!digest.equals(hash.digest())) return undefined;
    const index = new EventIndex(hashSeed);
    restoreImage(index, description.numbers, parts);
    return { index, log: description.log };
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at);
    at += bytesWritten;
  }
}

async function readAll(file: FileHandle, count: number): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(count);
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < count; ) {
    const { bytesRead } = await file.read(bytes, at, count - at);
    if (bytesRead === 0) throw new RangeError('the snapshot ends too early');
    at += bytesRead;
  }
  return buffer;
}
