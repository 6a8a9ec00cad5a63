import { ByteWriter } from '../lib/byte-writer.js';
import type { NostrEvent } from './event.js';

/*
 * An event as bytes, made once, for the check of its id and for the store:
 *
 *     | id 32 | pubkey 32 | sig 64 | created_at f64 LE | kind u16 LE | tags and content |
 *
 * Hex as bytes, which general compression would not find. Tags and content are the text between `"tags":` and
 * `,"sig"` in the event's JSON, so that JSON and the serialisation for the id are had by putting strings together and
 * nothing is parsed; JSON escapes what UTF-8 cannot hold (lone surrogates), so every string comes back as it was.
 */
export const bodyOffsets = { pubkey: 32, sig: 64, createdAt: 128, kind: 136, text: 138 } as const;

/** Stands between tags and content. */
export const contentKey = ',"content":';

/** Writes the body of an event whose shape was checked; returns how many bytes of its text are tags. */
export function writeBody(event: NostrEvent, to: ByteWriter): number {
  to.hex(event.id);
  to.hex(event.pubkey);
  to.hex(event.sig);
  to.f64(event.created_at);
  to.u16(event.kind);
  const tagsBytes = to.text(JSON.stringify(event.tags));
  to.text(contentKey);
  to.text(JSON.stringify(event.content));
  return tagsBytes;
}

const writer = new ByteWriter();

/** The body of an event whose shape was checked. */
export function encodeBody(event: NostrEvent): Uint8Array {
  writer.clear();
  writeBody(event, writer);
  return new Uint8Array(writer.take());
}

/** The serialisation whose hash is the id (NIP-01), in pieces; `tagsBytes` as `writeBody` told. */
export function serialisationOf(body: Buffer, tagsBytes: number): readonly (string | Uint8Array)[] {
  const pubkey = body.toString('hex', bodyOffsets.pubkey, bodyOffsets.sig);
  const createdAt = body.readDoubleLE(bodyOffsets.createdAt);
  const kind = body.readUInt16LE(bodyOffsets.kind);
  const tagsEnd = bodyOffsets.text + tagsBytes;
  return [
    `[0,"${pubkey}",${createdAt},${kind},`,
    body.subarray(bodyOffsets.text, tagsEnd),
    ',',
    body.subarray(tagsEnd + contentKey.length),
    ']',
  ];
}
