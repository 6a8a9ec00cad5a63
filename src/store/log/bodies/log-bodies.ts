import { limits } from '../../../config/limits.js';
import type { WorkTurns } from '../../../lib/turns/turn-scheduler.js';
import type { BodyFault } from '../../backend.js';
import type { StoredEvent } from '../../event-store.js';
import type { Batch } from '../batch.js';
import type { LogTarget } from '../log-target.js';
import { BodyCache } from './body-cache.js';
import { LazyBody, memoryOfBody } from './body-codec.js';
import { bodyIn } from './sealed-body.js';

/** Work of reading a body from the database, for the event loop: 5 µs where many lie side by side, more where they do not. */
const bodyReadUnits = 60;

type Pending = { readonly sealed: Uint8Array; readonly batch: Batch };

/** The bodies of stored rows by their sequences: those that wait to be written, those read last, and those in the database. */
export class LogBodies {
  readonly #target: Pick<LogTarget, 'bodies'>;
  readonly #pending = new Map<number, Pending>();
  readonly #cache = new BodyCache(limits.storeCacheBytesMax);

  constructor(target: Pick<LogTarget, 'bodies'>) {
    this.#target = target;
  }

  /** How many wait to be written. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** A body that is written with that batch. */
  add(sequence: number, sealed: Uint8Array, batch: Batch): void {
    this.#pending.set(sequence, { sealed, batch });
    batch.bodies.push(sequence);
    batch.bytes += sealed.length;
  }

  /** A body goes with that batch. It is not written when it came in the same; an earlier batch must be whole without this one. */
  remove(sequence: number, batch: Batch): void {
    if (this.#pending.get(sequence)?.batch === batch) this.#pending.delete(sequence);
    this.#cache.delete(sequence);
    batch.deleted.push(sequence);
  }

  /** The batch that a body waits to be written with. */
  batchOf(sequence: number): Batch | undefined {
    return this.#pending.get(sequence)?.batch;
  }

  /** What is written of a body that waits. */
  sealed(sequence: number): Uint8Array | undefined {
    return this.#pending.get(sequence)?.sealed;
  }

  /** The bodies of a batch are in the database. */
  written(batch: Batch): void {
    for (const sequence of batch.bodies) this.#pending.delete(sequence);
  }

  /** As `Backend.read`. */
  async read(sequences: readonly number[], turns?: WorkTurns): Promise<(StoredEvent | BodyFault)[]> {
    const events: (StoredEvent | BodyFault)[] = [];
    const missing: number[] = [];
    for (const sequence of sequences) {
      const event = this.#atHand(sequence);
      if (event === undefined) missing.push(sequence);
      events.push(event ?? 'missing');
    }
    if (missing.length === 0) return events;
    turns?.spend(missing.length * bodyReadUnits);
    const bodies = await this.#target.bodies(missing);
    let next = 0;
    return events.map((event) => {
      if (event !== 'missing') return event;
      const body = bodies[next]!;
      const sequence = missing[next]!;
      next += 1;
      if (typeof body === 'string') return body;
      const read = new LazyBody(sequence, body);
      this.#cache.set(sequence, read, memoryOfBody(body.length));
      return read;
    });
  }

  #atHand(sequence: number): LazyBody | undefined {
    const pending = this.#pending.get(sequence);
    return pending === undefined ? this.#cache.get(sequence) : new LazyBody(sequence, bodyIn(pending.sealed));
  }
}
