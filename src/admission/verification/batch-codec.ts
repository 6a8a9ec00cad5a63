import { dataView, utf8Length } from '../../lib/bytes.js';
import { type NostrEvent, serialiseForHash } from '../../nostr/event.js';
import type { Verdict } from './verifier.js';

/**
 * How a batch travels to a worker: one buffer, which is transferred and not copied.
 *
 * ```
 * per event   id 32 | pubkey 32 | sig 64 | length u32 LE | the serialisation that is hashed, UTF-8
 * ```
 */
const headerBytes = 32 + 32 + 64 + 4;
const verdictOfCode: readonly Verdict[] = ['valid', 'wrong-id', 'wrong-signature'];

/** One event of a batch: views into the buffer that arrived. */
export type SignedMessage = {
  readonly id: Uint8Array;
  readonly pubkey: Uint8Array;
  readonly sig: Uint8Array;
  readonly serialised: Uint8Array;
};

/** Packs the events; the buffer is exactly as long as they need. */
export function encodeBatch(events: readonly NostrEvent[]): ArrayBuffer {
  const serialised = events.map(serialiseForHash);
  const total = serialised.reduce((sum, text) => sum + headerBytes + utf8Length(text), 0);
  const buffer = new ArrayBuffer(total);
  const target = Buffer.from(buffer);
  let offset = 0;
  for (const [index, event] of events.entries()) {
    const length = target.write(serialised[index] as string, offset + headerBytes);
    target.write(event.id, offset, 'hex');
    target.write(event.pubkey, offset + 32, 'hex');
    target.write(event.sig, offset + 64, 'hex');
    target.writeUInt32LE(length, offset + 128);
    offset += headerBytes + length;
  }
  return buffer;
}

/** The events of a batch, as views. The batch comes from our own main thread, so its lengths are right. */
export function* decodeBatch(buffer: ArrayBuffer): Generator<SignedMessage> {
  const bytes = new Uint8Array(buffer);
  const view = dataView(bytes);
  let offset = 0;
  while (offset < bytes.length) {
    const length = view.getUint32(offset + 128, true);
    yield {
      id: bytes.subarray(offset, offset + 32),
      pubkey: bytes.subarray(offset + 32, offset + 64),
      sig: bytes.subarray(offset + 64, offset + 128),
      serialised: bytes.subarray(offset + headerBytes, offset + headerBytes + length),
    };
    offset += headerBytes + length;
  }
}

/** One byte a verdict. */
export function encodeVerdicts(verdicts: readonly Verdict[]): Uint8Array {
  return Uint8Array.from(verdicts, (verdict) => verdictOfCode.indexOf(verdict));
}

export function decodeVerdicts(codes: Uint8Array): Verdict[] {
  return Array.from(codes, (code) => verdictOfCode[code] ?? 'wrong-signature');
}
