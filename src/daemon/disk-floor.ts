import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import type { DiskSpace } from '../lib/disk/disk-space.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { gaugesIn } from '../lib/gauge.js';
import { StoreError } from '../store/event-store.js';

export type DiskFloorParts = {
  readonly space: DiskSpace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Absolute paths of the folders that must be able to grow. */
  readonly paths: readonly string[];
  /** Free bytes below which nothing more is to be written; 0 is no floor. Asked at each use. */
  readonly floorBytes: () => number;
};

const bytesPerMegabyte = 1_000_000;

/**
 * Watches the free space of the disks that hold the data. Below the floor no events are to be taken, so that a disk that
 * others fill does not make LevelDB fail, which ends the daemon; above it again, with a margin, all goes on by itself.
 */
export class DiskFloor {
  readonly #parts: DiskFloorParts;
  readonly #listeners = new Set<(isLow: boolean) => void>();
  #freeBytes = Number.POSITIVE_INFINITY;
  #isLow = false;
  #isUnknown = false;

  constructor(parts: DiskFloorParts) {
    this.#parts = parts;
    const gauge = gaugesIn(parts.registry);
    gauge('ngit_disk_free_bytes', 'Bytes that may still be written to the disk of the data', () =>
      Number.isFinite(this.#freeBytes) ? this.#freeBytes : Number.NaN,
    );
    gauge('ngit_disk_low', 'Whether no events are taken, for the disk is full up to its floor', () =>
      Number(this.#isLow),
    );
  }

  /** Whether there is so little room that nothing more is to be written. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Free bytes of the disk that has the least; `undefined` where that cannot be told. */
  get freeBytes(): number | undefined {
    return Number.isFinite(this.#freeBytes) ? this.#freeBytes : undefined;
  }

  get floorBytes(): number {
    return this.#parts.floorBytes();
  }

  /** Whether so many bytes may be written without coming down to the floor. */
  hasRoomFor(bytes: number): boolean {
    return !this.#isLow && this.#freeBytes - bytes >= this.#parts.floorBytes();
  }

  /** So many bytes are being written; until the next look they are told from nothing else. */
  take(bytes: number): void {
    this.#freeBytes -= bytes;
  }

  /** Calls the listener at each change, and at once when the disk is low by now. */
  onChange(listener: (isLow: boolean) => void): void {
    this.#listeners.add(listener);
    if (this.#isLow) listener(true);
  }

  /** Looks again and again, until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(limits.diskLookIntervalMs, signal).catch(() => {});
      if (!signal.aborted) await this.look();
    }
  }

  /** Looks how much room there is. What cannot be told is taken for enough. */
  async look(): Promise<void> {
    const { space, paths, logger } = this.#parts;
    try {
      const free = await Promise.all(paths.map((path) => space.freeBytes(path)));
      this.#freeBytes = free.reduce((least, bytes) => Math.min(least, bytes));
      this.#isUnknown = false;
    } catch (error) {
      this.#freeBytes = Number.POSITIVE_INFINITY;
      if (!this.#isUnknown) logger.warn({ error: errorMessage(error) }, 'free disk space cannot be told');
      this.#isUnknown = true;
    }
    this.#judge();
  }

  /** What made a start fail, in the words of a full disk if it is one. */
  explain(error: unknown): unknown {
    const isOfDisk = error instanceof StoreError || errorCode(error) === 'ENOSPC';
    if (!this.#isLow || !isOfDisk) return error;
    const { paths } = this.#parts;
    const text = `the disk of ${paths.join(' or ')} is full: ${this.#words()}; ${errorMessage(error)}`;
    return new StoreError('disk_full', text, { cause: error });
  }

  #judge(): void {
    const { logger } = this.#parts;
    const floorBytes = this.#parts.floorBytes();
    const enough = this.#isLow ? floorBytes * limits.diskFloorMargin : floorBytes;
    const isLow = this.#freeBytes < enough;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    if (isLow) logger.error({}, `disk is full: no events are taken until there is room; ${this.#words()}`);
    else logger.info({}, `disk has room again: events are taken; ${this.#words()}`);
    for (const listener of this.#listeners) listener(isLow);
  }

  #words(): string {
    const megabytes = (bytes: number) => Math.floor(bytes / bytesPerMegabyte);
    const files = this.#freeBytes === 0 ? ', or hardly any file can be made (df -i)' : '';
    return `${megabytes(this.#freeBytes)} MB are free${files}, --disk-floor-mb is ${megabytes(this.#parts.floorBytes())}`;
  }
}
