import { ByteWriter } from '../../lib/byte-writer.js';
import type { NostrEvent } from '../../nostr/event.js';
import { bodyOffsets, serialisationOf, writeBody } from '../../nostr/event-body.js';
import type { Verdict } from './verifier.js';

/**
 * How a batch travels to a worker and back: one buffer, which is transferred and not copied. The worker writes its
 * verdicts into it, so that the bodies are there for the store.
 *
 * ```
 * per event   length of the body u32 LE | bytes of its tags u32 LE, then the verdict | body (event-body.ts)
 * ```
 */
const headerBytes = 8;
const noteOffset = 4;
const verdictOfCode: readonly Verdict[] = ['valid', 'wrong-id', 'wrong-signature'];

/** One event of a batch: views into the buffer that arrived. */
export type SignedMessage = {
  readonly id: Uint8Array;
  readonly pubkey: Uint8Array;
  readonly sig: Uint8Array;
  /** What the id must be the hash of, in pieces. */
  readonly serialisation: readonly (string | Uint8Array)[];
};

const writer = new ByteWriter();

/** Packs events whose shape was checked. */
export function encodeBatch(events: readonly NostrEvent[]): ArrayBuffer {
  writer.clear();
  for (const event of events) {
    const headerAt = writer.u32(0);
    writer.u32(0);
    const bodyAt = writer.length;
    const tagsBytes = writeBody(event, writer);
    writer.setU32(headerAt, writer.length - bodyAt);
    writer.setU32(headerAt + noteOffset, tagsBytes);
  }
  return writer.take();
}

/** Judges each event and writes the verdict in the place of what was known of its tags. */
export function judgeBatch(buffer: ArrayBuffer, judge: (message: SignedMessage) => Verdict): void {
  const bytes = Buffer.from(buffer);
  for (const { at, body } of bodiesOf(bytes)) {
    const message: SignedMessage = {
      id: body.subarray(0, bodyOffsets.pubkey),
      pubkey: body.subarray(bodyOffsets.pubkey, bodyOffsets.sig),
      sig: body.subarray(bodyOffsets.sig, bodyOffsets.createdAt),
      serialisation: serialisationOf(body, bytes.readUInt32LE(at + noteOffset)),
    };
    bytes.writeUInt32LE(verdictOfCode.indexOf(judge(message)), at + noteOffset);
  }
}

/** What came back of a batch, in the order of its events. */
export function decodeBatch(buffer: ArrayBuffer): { verdicts: Verdict[]; bodies: Uint8Array[] } {
  const bytes = Buffer.from(buffer);
  const verdicts: Verdict[] = [];
  const bodies: Uint8Array[] = [];
  for (const { at, body } of bodiesOf(bytes)) {
    verdicts.push(verdictOfCode[bytes.readUInt32LE(at + noteOffset)] ?? 'wrong-signature');
    bodies.push(body);
  }
  return { verdicts, bodies };
}

/** The batch comes from our own main thread, so its lengths are right. */
function* bodiesOf(bytes: Buffer): Generator<{ readonly at: number; readonly body: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + headerBytes + bytes.readUInt32LE(at);
    yield { at, body: bytes.subarray(at + headerBytes, end) };
    at = end;
  }
}
