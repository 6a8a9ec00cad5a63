import { type Random, randomInteger } from '../../../src/lib/random.js';

/** A change of a file that the disk need not have yet. */
type Change =
  | { readonly type: 'write'; readonly at: number; readonly data: Buffer }
  | { readonly type: 'resize'; readonly size: number };

/** What a disk writes whole or not at all. */
const sectorBytes = [512, 4_096] as const;

/** The bytes of a file: what was forced to the disk, and what was done since. */
export class FileContent {
  #forced: Buffer = Buffer.alloc(0);
  #changes: Change[] = [];
  /** How many changes there were before the first of `#changes`. */
  #forcedChanges = 0;

  constructor(forced: Buffer = Buffer.alloc(0)) {
    this.#forced = forced;
  }

  write(at: number, data: Buffer): void {
    this.#changes.push({ type: 'write', at, data });
  }

  resize(size: number): void {
    this.#changes.push({ type: 'resize', size });
  }

  /** How many changes there have been. */
  get changeCount(): number {
    return this.#forcedChanges + this.#changes.length;
  }

  /** The disk has the first so many changes. */
  force(changeCount: number): void {
    const count = changeCount - this.#forcedChanges;
    if (count <= 0) return;
    this.#forced = applied(this.#forced, this.#changes.splice(0, count));
    this.#forcedChanges = changeCount;
  }

  /** What the file has while the machine runs. */
  bytes(): Buffer {
    return applied(this.#forced, this.#changes);
  }

  /** What a power failure may leave of it. */
  afterFailure(random: Random): Buffer {
    if (this.#changes.length === 0) return this.#forced;
    const sector = sectorBytes[randomInteger(random, sectorBytes.length)]!;
    switch (randomInteger(random, 4)) {
      case 0:
        return this.#forced;
      case 1:
        return this.bytes();
      case 2:
        return this.#torn(random, sector);
      default:
        return this.#scattered(random, sector);
    }
  }

  /** Some changes, and of the one after them the beginning, up to the end of a sector. */
  #torn(random: Random, sector: number): Buffer {
    const count = randomInteger(random, this.#changes.length);
    const whole = applied(this.#forced, this.#changes.slice(0, count));
    const next = this.#changes[count]!;
    if (next.type === 'resize') return whole;
    const end = next.at + randomInteger(random, next.data.length + 1);
    const cut = Math.max(next.at, end - (end % sector));
    return applied(whole, [{ ...next, data: next.data.subarray(0, cut - next.at) }]);
  }

  /** The length that it had last, and of each sector what it was or what it became; zeros where it was none. */
  #scattered(random: Random, sector: number): Buffer {
    const bytes = Buffer.from(this.bytes());
    for (let at = 0; at < bytes.length; at += sector) {
      const end = Math.min(at + sector, bytes.length);
      const before = this.#forced.subarray(at, end);
      if (bytes.subarray(at, end).equals(before) || random.next() < 0.5) continue;
      bytes.fill(0, at, end);
      before.copy(bytes, at);
    }
    return bytes;
  }
}

function applied(bytes: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return bytes;
  let size = bytes.length;
  let sizeMax = size;
  for (const change of changes) {
    size = change.type === 'resize' ? change.size : Math.max(size, change.at + change.data.length);
    sizeMax = Math.max(size, sizeMax);
  }
  const result = Buffer.alloc(sizeMax);
  bytes.copy(result);
  size = bytes.length;
  for (const change of changes) {
    if (change.type === 'write') {
      change.data.copy(result, change.at);
      size = Math.max(size, change.at + change.data.length);
    } else {
      // What lies behind a new end is zeros if the file grows again.
      result.fill(0, Math.min(change.size, size));
      size = change.size;
    }
  }
  return result.subarray(0, size);
}
