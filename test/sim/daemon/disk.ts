import type { NostrEvent } from '../../../src/nostr/event.js';

/** What a write brings to the disk. */
export type DiskEntry =
  | { readonly type: 'put'; readonly event: NostrEvent }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'refuse'; readonly event: NostrEvent; readonly reason: string }
  | { readonly type: 'forget'; readonly id: string };

/** An entry, and the wall-clock time of what it tells. */
export type DiskRecord = { readonly entry: DiskEntry; readonly atMs: number };

/** When a write is done: when the disk has it, or when the system has it, which gives it to the disk in a while. */
export type Durability = 'sync' | 'system';

/**
 * The simulated disk of our daemon: all that was written, in its order. What was not forced there is remembered in the
 * order of writing only as far as a power failure lets it.
 */
export class Disk {
  readonly durability: Durability;
  readonly #journal: { readonly record: DiskRecord; readonly writtenMs: number }[] = [];

  constructor(durability: Durability) {
    this.durability = durability;
  }

  get records(): DiskRecord[] {
    return this.#journal.map(({ record }) => record);
  }

  /** Every event that was put and not lost, what was replaced or deleted since too. */
  get everStored(): NostrEvent[] {
    return this.records.flatMap(({ entry }) => (entry.type === 'put' ? [entry.event] : []));
  }

  /** `writtenMs`, as below: in the clock's monotonic milliseconds. */
  write(records: readonly DiskRecord[], writtenMs: number): void {
    for (const record of records) this.#journal.push({ record, writtenMs });
  }

  /** Loses what was written since then, but for what was forced. */
  loseSince(writtenMs: number): void {
    if (this.durability === 'sync') return;
    const end = this.#journal.findIndex((written) => written.writtenMs >= writtenMs);
    if (end >= 0) this.#journal.length = end;
  }
}
