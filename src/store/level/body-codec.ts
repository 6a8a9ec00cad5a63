import type { NostrEvent } from '../../nostr/event.js';
import type { StoredEvent } from '../event-store.js';

/*
 * A body: | id 32 | pubkey 32 | sig 64 | created_at f64 LE | kind u16 LE | tags and content |
 * Hex as bytes, which general compression would not find. Tags and content are the text between `"tags":` and
 * `,"sig"` in the event's JSON, so that it is read by putting strings together and nothing is parsed; JSON escapes
 * what UTF-8 cannot hold (lone surrogates), so every string comes back as it was.
 */
const createdAtOffset = 128;
const kindOffset = 136;
const textOffset = 138;

/** Encodes an event whose shape was checked. */
export function encodeBody(event: NostrEvent): Uint8Array {
  const text = `${JSON.stringify(event.tags)},"content":${JSON.stringify(event.content)}`;
  const bytes = Buffer.allocUnsafe(textOffset + Buffer.byteLength(text));
  bytes.write(event.id, 0, 'hex');
  bytes.write(event.pubkey, 32, 'hex');
  bytes.write(event.sig, 64, 'hex');
  bytes.writeDoubleLE(event.created_at, createdAtOffset);
  bytes.writeUInt16LE(event.kind, kindOffset);
  bytes.write(text, textOffset);
  return bytes;
}

/** An event that was read: its JSON is put together when it is first asked for, and parsed whenever its event is. */
export class BodyInHand implements StoredEvent {
  /** Gives way to the JSON, which is longer by a fifth. */
  #body: Buffer | undefined;
  #bytes: Buffer | undefined;

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  get id(): string {
    return this.#body?.toString('hex', 0, 32) ?? this.bytes.toString('latin1', idAt, idAt + 64);
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
const memoryMore = keys.length + signature.length - textOffset + 300;

function jsonBytesOf(body: Buffer): Buffer {
  const createdAt = body.readDoubleLE(createdAtOffset);
  const kind = body.readUInt16LE(kindOffset);
  const numbers = `","created_at":${createdAt},"kind":${kind},"tags":`;
  const textAt = keys.length + numbers.length;
  const textEnd = textAt + body.length - textOffset;
  const bytes = Buffer.allocUnsafe(textEnd + signature.length);
  bytes.set(keys, 0);
  writeHex(body, 0, 32, bytes, idAt);
  writeHex(body, 32, 64, bytes, pubkeyAt);
  bytes.write(numbers, keys.length, 'latin1');
  body.copy(bytes, textAt, textOffset);
  bytes.set(signature, textEnd);
  writeHex(body, 64, createdAtOffset, bytes, textEnd + sigAt);
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
