/** A view of the same bytes that honours `byteOffset`, which `new DataView(bytes.buffer)` would not. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The bytes of lower- or upper-case hex; the caller has checked that it is hex. */
export function fromHex(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

const lowerHex64 = /^[0-9a-f]{64}$/;

/** Whether `text` is 32 bytes in lower-case hex: an event id or a public key (NIP-01). */
export function isHex32(text: string): boolean {
  return text.length === 64 && lowerHex64.test(text);
}

/** Compares byte strings as the wire and the index order them. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** The bytes that `text` takes as UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
