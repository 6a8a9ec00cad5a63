import { fingerprintBytes, idBytes, type RecordReader } from '../kernels/kernels.js';

/** Items that are copied at once when a large range is compared. */
const chunkItems = 8_192;

/** Ids one after another, n · 32 bytes, collected piece by piece. */
export class IdList {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** How many ids. */
  get count(): number {
    return this.#length / idBytes;
  }

  /** Adds the ids that are bytes [begin, end) of `source`. */
  add(source: Uint8Array, begin: number, end: number): void {
    const length = this.#length + end - begin;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    if (end - begin <= idBytes) {
      for (let at = begin; at < end; at += 1) this.#bytes[this.#length + at - begin] = source[at] as number;
    } else {
      this.#bytes.set(source.subarray(begin, end), this.#length);
    }
    this.#length = length;
  }

  /** The ids: n · 32 bytes, valid until the next `add`. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Whether the id at byte `at` of `a` is the id at byte `bt` of `b`. */
export function sameId(a: Uint8Array, at: number, b: Uint8Array, bt: number): boolean {
  for (let byte = 0; byte < idBytes; byte += 1) {
    if (a[at + byte] !== b[bt + byte]) return false;
  }
  return true;
}

/** The id at byte `at` as a string of 32 one-byte characters: a key for sets and maps, never shown. */
export function idKey(ids: Uint8Array, at: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + at, idBytes).toString('latin1');
}

/**
 * Compares two lists of ids of the same range. `have` receives what only `ours` holds, `need` what only `theirs`
 * holds. The lists may have any order; the same order, which is usual, makes it quick. The strings' own hash is
 * seeded, so no choice of ids makes it slow.
 */
export function compareIds(ours: Uint8Array, theirs: Uint8Array, have: IdList, need: IdList): void {
  let begin = 0;
  let ourEnd = ours.length;
  let theirEnd = theirs.length;
  while (begin < ourEnd && begin < theirEnd && sameId(ours, begin, theirs, begin)) begin += idBytes;
  while (ourEnd > begin && theirEnd > begin && sameId(ours, ourEnd - idBytes, theirs, theirEnd - idBytes)) {
    ourEnd -= idBytes;
    theirEnd -= idBytes;
  }
  if (begin === theirEnd) have.add(ours, begin, ourEnd);
  else if (begin === ourEnd) need.add(theirs, begin, theirEnd);
  else compareByKey(ours.subarray(begin, ourEnd), theirs.subarray(begin, theirEnd), have, need);
}

function compareByKey(ours: Uint8Array, theirs: Uint8Array, have: IdList, need: IdList): void {
  const onlyTheirs = placesByKey(theirs);
  takeOurs(ours, onlyTheirs, have);
  for (const at of onlyTheirs.values()) need.add(theirs, at, at + idBytes);
}

/**
 * Compares the items [begin, end) of a storage with a list, like `compareIds`. Of a large range no more than a chunk
 * is copied at a time, for a peer may answer for all of our set with a list of a few ids.
 */
export function compareItems(
  storage: RecordReader,
  begin: number,
  end: number,
  theirs: Uint8Array,
  have: IdList,
  need: IdList,
): void {
  if (end - begin <= chunkItems) {
    const ours = new Uint8Array((end - begin) * idBytes);
    if (begin < end) storage.copyIds(begin, end, ours, 0);
    compareIds(ours, theirs, have, need);
    return;
  }
  const onlyTheirs = placesByKey(theirs);
  const chunk = new Uint8Array(chunkItems * idBytes);
  for (let from = begin; from < end; from += chunkItems) {
    const to = Math.min(end, from + chunkItems);
    storage.copyIds(from, to, chunk, 0);
    takeOurs(chunk.subarray(0, (to - from) * idBytes), onlyTheirs, have);
  }
  for (const at of onlyTheirs.values()) need.add(theirs, at, at + idBytes);
}

function placesByKey(ids: Uint8Array): Map<string, number> {
  const places = new Map<string, number>();
  for (let at = 0; at < ids.length; at += idBytes) places.set(idKey(ids, at), at);
  return places;
}

/** Takes our ids out of theirs; those that are not among them are only ours. */
function takeOurs(ours: Uint8Array, onlyTheirs: Map<string, number>, have: IdList): void {
  if (onlyTheirs.size === 0) {
    have.add(ours, 0, ours.length);
    return;
  }
  for (let at = 0; at < ours.length; at += idBytes) {
    if (!onlyTheirs.delete(idKey(ours, at))) have.add(ours, at, at + idBytes);
  }
}

/** Whether the fingerprint at byte `at` of `a` is the fingerprint at byte `bt` of `b`. */
export function sameFingerprint(a: Uint8Array, at: number, b: Uint8Array, bt: number): boolean {
  for (let byte = 0; byte < fingerprintBytes; byte += 1) {
    if (a[at + byte] !== b[bt + byte]) return false;
  }
  return true;
}
