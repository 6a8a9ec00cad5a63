import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventJson, type NostrEvent } from '../nostr/event.js';

/**
 * Events that a pass of the import refused, on disk, for an input can be larger than memory. Written synchronously:
 * what is put aside is one write of the system, and nothing has to wait for it. The file has no name, so that it goes with
 * the process, however that ends.
 */
export class Spool implements Disposable {
  readonly #file = openNameless();
  #events = 0;

  get events(): number {
    return this.#events;
  }

  /** Not after it is disposed of: the number of its file may be that of another by then. */
  add(event: NostrEvent): void {
    writeSync(this.#file, `${eventJson(event)}\n`);
    this.#events += 1;
  }

  /** The lines of all events that were added. */
  read(): AsyncIterable<Uint8Array> {
    return createReadStream('', { fd: this.#file, start: 0, autoClose: false });
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** A file in the folder for temporary ones (TMPDIR), as its descriptor. */
function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'graspd-import-'));
  try {
    return openSync(join(folder, 'refused.jsonl'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
