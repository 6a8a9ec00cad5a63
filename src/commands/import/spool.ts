import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventJson, type NostrEvent } from '../../nostr/event.js';

/**
 * Events that a pass of the import refused, on disk, for an input can be larger than memory. Written synchronously:
 * what is put aside is one write of the system, and nothing has to wait for it.
 */
export class Spool implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'graspd-import-'));
  readonly #path = join(this.#folder, 'refused.jsonl');
  readonly #file = openSync(this.#path, 'wx', 0o600);
  #events = 0;

  get events(): number {
    return this.#events;
  }

  add(event: NostrEvent): void {
    writeSync(this.#file, `${eventJson(event)}\n`);
    this.#events += 1;
  }

  /** The lines of all events that were added. */
  read(): AsyncIterable<Uint8Array> {
    return createReadStream(this.#path);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
