import { availableParallelism } from 'node:os';
import { limits } from '../config/limits.js';
import type { GitStreams } from '../git/git-streams.js';
import { examineObjects } from '../git/objects/examine-objects.js';
import { packBytes } from '../git/objects/pack-bytes.js';
import {
  checkGrowth,
  growthWithin,
  type PackGrowth,
  PackGrowthError,
  type PackRoom,
  watchGrowth,
} from '../git/objects/pack-growth.js';
import type { Quarantine } from '../git/objects/quarantine.js';
import { onAbort, TimeLimitError } from '../lib/abort.js';
import { type Clock, secondMs } from '../lib/clock.js';
import { Wakeup } from '../lib/wakeup.js';

/** What one pack may be. */
export type PackLimits = {
  readonly bytesMax: number;
  /** What sets that, in words for who pushes. */
  readonly bytesMaxIs: string;
  readonly objectsMax: number;
  readonly msMax: number;
};

/**
 * What became of a pack; `bytes` were read of it, with `objects` that were sent; `isDeep`: whether git takes longer to put some of
 * them together than those that it packs itself. `refused` says in one line why git, or a limit, would not have it.
 */
export type PackOutcome = { readonly bytes: number } & (
  | (LookTerms & { readonly type: 'taken'; readonly objects: number; readonly isDeep: boolean })
  | { readonly type: 'refused'; readonly cause: PackRefusal; readonly reason: string }
);

/**
 * How what came is looked through: what may be written of it, and bytes of memory that git may take, `undefined` where nothing
 * came.
 */
export type LookTerms = { readonly growth: PackGrowth; readonly memoryBytesMax: number | undefined };

/** It is above a limit of one pack, there is no room for it, it took too long, or it is no sound pack. */
export type PackRefusal = 'large' | 'room' | 'slow' | 'broken';

/** `PACK`, a version, and the number of objects: 4 bytes each. */
const packHeaderBytes = 12;
/** What old repositories are full of, and what no git minds: others refuse as little. */
const tolerated = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode']
  .map((message) => `${message}=ignore`)
  .join(',');

/**
 * Lets git check a pack as it comes, object by object and link by link, and index it in the quarantine. What is left
 * of the body when a pack is refused is the caller's.
 */
export async function takePack(
  { streams, clock }: { readonly streams: GitStreams; readonly clock: Clock },
  quarantine: Quarantine,
  body: AsyncIterator<Buffer>,
  { bytesMax, bytesMaxIs, objectsMax, msMax }: PackLimits,
  room: PackRoom,
  signal: AbortSignal,
): Promise<PackOutcome> {
  const header = await readHeader(body);
  let bytes = header.length;
  const tooLarge = `a pack has at most ${bytesMax} bytes here (${bytesMaxIs})`;
  const refuse = (cause: PackRefusal, reason: string): PackOutcome => ({
    type: 'refused',
    cause,
    reason,
    bytes,
  });
  if (header.length < packHeaderBytes || header.toString('latin1', 0, 4) !== 'PACK')
    return refuse('broken', 'there is no pack');
  const objects = header.readUInt32BE(8);
  if (objects > objectsMax) return refuse('large', `a pack has at most ${objectsMax} objects here`);
  const taken = (bytesTaken: number, isDeep: boolean): PackOutcome => ({
    type: 'taken',
    bytes,
    objects,
    isDeep,
    growth: growthWithin(clock, room, bytesTaken, (size) =>
      size > bytesMax ? `${tooLarge}, and this becomes larger here` : undefined,
    ),
    memoryBytesMax: objects === 0 ? undefined : memoryFor(objects),
  });
  // A branch at a commit that is here comes with such a pack; there is nothing to be checked or kept.
  if (objects === 0) return taken(0, false);
  // Who pushes waits for it.
  const threads = Math.min(availableParallelism(), limits.pushIndexThreadsMax);
  const git = await streams.start(
    {
      gitDir: quarantine.gitDir,
      args: ['index-pack', '--stdin', '--fix-thin', `--threads=${threads}`, `--strict=${tolerated}`],
      objects: quarantine.folders,
      // A few bytes can say how an object of gigabytes is made.
      allocationBytesMax: limits.pushAllocationBytesMax,
      memoryBytesMax: memoryFor(objects) + threads * limits.pushIndexMemoryBytesPerThread,
      msMax,
    },
    signal,
  );
  git.output.resume();
  let isOpen = true;
  // One for all pieces: a pack has very many, and what is added to a promise stays with it.
  const change = new Wakeup();
  const close = () => {
    isOpen = false;
    change.notify();
  };
  git.input.on('error', close).on('drain', () => change.notify());
  void git.ended.then(close);
  const give = async (piece: Buffer): Promise<void> => {
    if (!isOpen || git.input.write(piece)) return;
    while (isOpen && git.input.writableNeedDrain) await change.wait();
  };
  const next = async (): Promise<Buffer | undefined> => {
    const result = await body.next();
    if (result.done === true) return undefined;
    bytes += result.value.length;
    return result.value;
  };
  let cancel: (() => void) | undefined;
  let isSlow = false;
  try {
    for (let piece: Buffer | undefined = header; piece !== undefined; piece = await next()) {
      if (bytes > bytesMax) return refuse('large', tooLarge);
      const lack = room.take(piece.length);
      if (lack !== undefined) return refuse('room', lack);
      await give(piece);
    }
    git.input.end();
    // Who sent all of it makes no room for others by being slow: some kilobytes of deltas can keep git busy for an hour.
    const checkMs = limits.packCheckMsMin + (bytes / limits.packCheckBytesPerSecondMin) * secondMs;
    const tooLong = `to put its objects together takes too long for a pack of ${bytes} bytes`;
    cancel = clock.after(checkMs, () => {
      isSlow = true;
      git.end();
    });
    // A thin pack is completed by all that it builds upon, which may be the whole repository.
    const growth = growthWithin(clock, room, bytes, (size) =>
      size > bytesMax ? `${tooLarge}, with what it builds upon` : undefined,
    );
    const objectsFolder = quarantine.folders.write;
    const { exitCode, complaint, isLate } = await watchGrowth(growth, objectsFolder, async (stop) => {
      using _ = onAbort(stop, () => git.end());
      const end = await git.ended;
      stop.throwIfAborted();
      return end;
    });
    signal.throwIfAborted();
    if (exitCode === 0) {
      const diskBytes = await packBytes(objectsFolder);
      checkGrowth(growth, diskBytes);
      const search = { gitDir: quarantine.gitDir, objects: quarantine.folders, msMax: checkMs };
      const found = await examineObjects(streams, search, signal).catch((error: unknown) => {
        if (error instanceof TimeLimitError) return error;
        throw error;
      });
      if (found instanceof TimeLimitError) return refuse('slow', tooLong);
      const { tooLarge: largeObject, isDeep } = found;
      if (largeObject !== undefined) return refuse('large', largeObject);
      return taken(Math.max(bytes, diskBytes), isDeep);
    }
    if (isSlow) return refuse('slow', tooLong);
    if (isLate) return refuse('slow', `the pack took longer than ${msMax / 1_000} s`);
    return refuse('broken', reasonOf(complaint));
  } catch (error) {
    if (!(error instanceof PackGrowthError)) throw error;
    return refuse(error.lack.cause, error.lack.reason);
  } finally {
    cancel?.();
    git.end();
    await git.ended;
  }
}

/** Bytes of memory that git may take to look through so many objects. */
function memoryFor(objects: number): number {
  return limits.pushCheckMemoryBytesMin + objects * limits.pushCheckMemoryBytesPerObject;
}

/**
 * Reads what is left of a body, up to so many bytes, and forgets it; gives how many there were. A client that still sends
 * would not read an answer.
 */
export async function drain(body: AsyncIterator<Buffer>, bytesMax: number): Promise<number> {
  let bytes = 0;
  try {
    for (let next = await body.next(); next.done !== true; next = await body.next()) {
      bytes += next.value.length;
      if (bytes > bytesMax) break;
    }
  } catch {
    // Whoever sent it is gone; there is nobody to be told.
  }
  return bytes;
}

async function readHeader(body: AsyncIterator<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  while (bytes < packHeaderBytes) {
    const next = await body.next();
    if (next.done === true) break;
    pieces.push(next.value);
    bytes += next.value.length;
  }
  return Buffer.concat(pieces);
}

/** The line of git that says what is wrong: the last that is fatal, or an error. */
function reasonOf(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => /^(?:fatal|error): /.test(line));
  return lines.at(-1)?.replace(/^\w+: /, '') ?? 'git could not read the pack';
}
