import type { NostrEvent } from '../../../nostr/event.js';
import { bodyOffsets } from '../../../nostr/event-body.js';
import type { StoredEvent } from '../../event-store.js';

/** An event that was read: its JSON is put together when it is first asked for, and parsed whenever its event is. */
export class LazyBody implements StoredEvent {
  readonly sequence: number;
  /** Gives way to the JSON, which is longer by a fifth. */
  #body: Buffer | undefined;
  #bytes: Buffer | undefined;

  constructor(sequence: number, body: Uint8Array) {
    this.sequence = sequence;
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  get id(): string {
    return (
      this.#body?.toString('hex', 0, bodyOffsets.pubkey) ?? this.bytes.toString('latin1', idAt, idAt + 64)
    );
  }

  get json(): string {
    return this.bytes.toString('utf8');
  }

  get bytes(): Buffer {
    if (this.#bytes === undefined) {
      this.#bytes = jsonBytesOf(this.#body as Buffer);
      this.#body = undefined;
    }
    return this.#bytes;
  }

  get event(): NostrEvent {
    return JSON.parse(this.json) as NostrEvent;
  }
}

/** About how much memory the JSON of a body of that many bytes takes, with all that belongs to it. */
export function memoryOfBody(bodyBytes: number): number {
  return bodyBytes + memoryMore;
}

const hexSpace = ' '.repeat(64);
const keys = Buffer.from(`{"id":"${hexSpace}","pubkey":"${hexSpace}`);
const idAt = keys.indexOf(hexSpace);
const pubkeyAt = keys.lastIndexOf(hexSpace);
const signature = Buffer.from(`,"sig":"${hexSpace}${hexSpace}"}`);
const sigAt = signature.indexOf(hexSpace);
/** What JSON has beside the text of a body, and some for objects. */
const memoryMore = keys.length + signature.length - bodyOffsets.text + 300;

function jsonBytesOf(body: Buffer): Buffer {
  const createdAt = body.readDoubleLE(bodyOffsets.createdAt);
  const kind = body.readUInt16LE(bodyOffsets.kind);
  const numbers = `","created_at":${createdAt},"kind":${kind},"tags":`;
  const textAt = keys.length + numbers.length;
  const textEnd = textAt + body.length - bodyOffsets.text;
  const bytes = Buffer.allocUnsafe(textEnd + signature.length);
  bytes.set(keys, 0);
  writeHex(body, 0, bodyOffsets.pubkey, bytes, idAt);
  writeHex(body, bodyOffsets.pubkey, bodyOffsets.sig, bytes, pubkeyAt);
  bytes.write(numbers, keys.length, 'latin1');
  body.copy(bytes, textAt, bodyOffsets.text);
  bytes.set(signature, textEnd);
  writeHex(body, bodyOffsets.sig, bodyOffsets.createdAt, bytes, textEnd + sigAt);
  return bytes;
}

const digits = Buffer.from('0123456789abcdef');

/** Writes bytes as hex digits; for so few it costs less than the way through a string. */
function writeHex(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  for (let index = start, next = at; index < end; index += 1) {
    const byte = from[index]!;
    to[next++] = digits[byte >>> 4]!;
    to[next++] = digits[byte & 15]!;
  }
}
