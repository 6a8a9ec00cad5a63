import type { NostrEvent } from '../../../nostr/event.js';

/** Ids and public keys as 8 words of 32 bits: their 32 bytes in order, each word in the byte order of the machine. */
export const keyWords = 8;

const digitOf = new Int8Array(128).fill(-1);
for (let digit = 0; digit < 16; digit += 1) digitOf[digit.toString(16).charCodeAt(0)] = digit;

/** Reads 64 lower-case hex digits into `target`; false, with `target` undefined, when `hex` is anything else. */
export function readKey(hex: string, target: Uint32Array): boolean {
  if (hex.length !== 64) return false;
  let bad = 0;
  for (let word = 0; word < keyWords; word += 1) {
    let value = 0;
    for (let byte = 0; byte < 4; byte += 1) {
      const at = word * 8 + byte * 2;
      const high = hex.charCodeAt(at);
      const low = hex.charCodeAt(at + 1);
      const highDigit = high < 128 ? digitOf[high]! : -1;
      const lowDigit = low < 128 ? digitOf[low]! : -1;
      bad |= highDigit | lowDigit;
      value |= ((highDigit << 4) | lowDigit) << (byte * 8);
    }
    target[word] = value;
  }
  return bad >= 0;
}

/** Reads the keys of an event; its shape has been checked. */
export function rowKeys(event: Pick<NostrEvent, 'id' | 'pubkey'>): { id: Uint32Array; pubkey: Uint32Array } {
  const id = new Uint32Array(keyWords);
  const pubkey = new Uint32Array(keyWords);
  if (!readKey(event.id, id) || !readKey(event.pubkey, pubkey)) {
    throw new TypeError('an event whose shape was not checked reached the store');
  }
  return { id, pubkey };
}

/** The 64 hex digits of the key at `offset`. */
export function keyHex(words: Uint32Array, offset: number): string {
  return Buffer.from(words.buffer, words.byteOffset + offset * 4, 32).toString('hex');
}

/** Compares two keys as byte strings: negative when `a` is lower. */
export function compareKeys(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number): number {
  for (let word = 0; word < keyWords; word += 1) {
    const x = a[aOffset + word]!;
    const y = b[bOffset + word]!;
    if (x !== y) return swapBytes(x) < swapBytes(y) ? -1 : 1;
  }
  return 0;
}

/** The words are little-endian, the order of byte strings is big-endian. */
function swapBytes(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
