import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { NostrEvent } from '../../src/nostr/event.js';

/** Events as JSON lines, of which the first `events` are what a filled relay holds; those behind are for publishing. */
export class EventFile {
  readonly path: string;
  readonly events: number;

  constructor(path: string, events: number) {
    this.path = path;
    this.events = events;
  }

  /** The bytes of the first events, without those at the positions that `isLeftOut` names. */
  stream(isLeftOut?: (event: NostrEvent, index: number) => boolean): Readable {
    if (isLeftOut === undefined) return createReadStream(this.path, { end: this.#headBytes() - 1 });
    return Readable.from(this.#kept(isLeftOut), { objectMode: false });
  }

  /** The first events, parsed, one after the other. */
  async *head(): AsyncGenerator<NostrEvent> {
    for await (const line of this.#lines(0, this.events)) yield JSON.parse(line) as NostrEvent;
  }

  /** Up to `count` events as JSON that a filled relay does not hold. */
  async tail(count: number): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of this.#lines(this.events, this.events + count)) lines.push(line);
    return lines;
  }

  async *#kept(isLeftOut: (event: NostrEvent, index: number) => boolean): AsyncGenerator<string> {
    let index = 0;
    let text = '';
    for await (const line of this.#lines(0, this.events)) {
      if (!isLeftOut(JSON.parse(line) as NostrEvent, index)) text += `${line}\n`;
      index += 1;
      if (text.length < 1 << 16) continue;
      yield text;
      text = '';
    }
    if (text !== '') yield text;
  }

  async *#lines(from: number, to: number): AsyncGenerator<string> {
    const input = createReadStream(this.path, { highWaterMark: 1 << 18 });
    let index = 0;
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (index >= to) break;
      if (index >= from) yield line;
      index += 1;
    }
    input.destroy();
  }

  /** Where the line behind the first events begins. */
  #headBytes(): number {
    const newline = 0x0a;
    const file = openSync(this.path, 'r');
    const chunk = Buffer.alloc(1 << 20);
    try {
      let seen = 0;
      for (let at = 0, length = 0; ; at += length) {
        length = readSync(file, chunk, 0, chunk.length, at);
        if (length === 0) return statSync(this.path).size;
        for (
          let end = chunk.indexOf(newline);
          end >= 0 && end < length;
          end = chunk.indexOf(newline, end + 1)
        ) {
          seen += 1;
          if (seen === this.events) return at + end + 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }
}
