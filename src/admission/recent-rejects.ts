import { noteUse } from '../config/limit-use.js';
import type { Clock } from '../lib/clock.js';
import { eventBytes, type NostrEvent } from '../nostr/event.js';
import type { EventSource } from './admission.js';

/** A refused event that is still at hand, with where it came from. */
export type HotEvent = { readonly event: NostrEvent; readonly source: EventSource };

type Entry = HotEvent & { readonly bytes: number; readonly staleAtMs: number };

/**
 * The refused events of the last minutes (docs/sync.md §6), so that one that only came too early is tried again
 * without being downloaded again. Bounded in time and bytes; the oldest give way.
 */
export class RecentRejects {
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(clock: Clock, durationMs: number, bytesMax: number) {
    this.#clock = clock;
    this.#durationMs = durationMs;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: NostrEvent, source: EventSource): void {
    this.#forget(event.id);
    const entry = {
      event,
      source,
      bytes: eventBytes(event),
      staleAtMs: this.#clock.monotonic() + this.#durationMs,
    };
    this.#entries.set(event.id, entry);
    this.#bytes += entry.bytes;
    noteUse('hotCacheBytesMax', this.#bytes);
    this.#makeRoom();
  }

  /** Gives the event away, if it is still at hand. */
  take(id: string): HotEvent | undefined {
    this.#makeRoom();
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#forget(id);
    return entry;
  }

  #makeRoom(): void {
    const now = this.#clock.monotonic();
    for (const [id, entry] of this.#entries) {
      if (entry.staleAtMs > now && this.#bytes <= this.#bytesMax) return;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
  }
}
