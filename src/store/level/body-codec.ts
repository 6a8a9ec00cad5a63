import type { NostrEvent } from '../../nostr/event.js';
import { JsonInHand } from '../backend.js';
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

/** The event of a body, as its JSON. */
export function decodeBody(body: Uint8Array): StoredEvent {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const id = bytes.toString('hex', 0, 32);
  const pubkey = bytes.toString('hex', 32, 64);
  const sig = bytes.toString('hex', 64, createdAtOffset);
  const createdAt = bytes.readDoubleLE(createdAtOffset);
  const kind = bytes.readUInt16LE(kindOffset);
  const text = bytes.toString('utf8', textOffset);
  return new JsonInHand(
    id,
    `{"id":"${id}","pubkey":"${pubkey}","created_at":${createdAt},"kind":${kind},"tags":${text},"sig":"${sig}"}`,
  );
}
