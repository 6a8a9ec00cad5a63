/**
 * HalfSipHash-1-3 with a secret key: what the index knows of an author, a kind, an address or a tag value. Keyed,
 * because whoever chooses the values must not be able to choose the collisions. 64 bits of result, so that among
 * ten million values two that are taken for one another are not to be expected (3 in 10^6).
 */
export class TermHasher {
  /** The lower and upper half of the last `hash`. */
  lo = 0;
  hi = 0;
  readonly #key0: number;
  readonly #key1: number;

  /** `seed` is 8 random bytes, kept secret and with the database. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, 8);
    this.#key0 = view.getInt32(0, true);
    this.#key1 = view.getInt32(4, true);
  }

  /** Hashes `text` (its UTF-16 code units, so that every string has its own hash) under `type` into `lo`, `hi`. */
  hash(type: number, text: string): void {
    let v0 = this.#key0;
    let v1 = this.#key1 ^ 0xee;
    let v2 = this.#key0 ^ 0x6c796765;
    let v3 = this.#key1 ^ 0x74656462;
    const length = text.length;
    let word = type | 0;
    // The type, the pairs of code units, and last the length with what is left over.
    for (let at = -2; at < length; at += 2) {
      if (at >= 0) {
        if (at + 1 === length) break;
        word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    word = ((length & 0xffff) << 16) | (length & 1 ? text.charCodeAt(length - 1) : 0);
    this.#finish(v0, v1, v2, v3, word);
  }

  /** Hashes 32 bytes, given as 8 words at `offset`, to 32 bits. */
  hashKey(words: Uint32Array, offset: number): number {
    let v0 = this.#key0;
    let v1 = this.#key1 ^ 0xee;
    let v2 = this.#key0 ^ 0x6c796765;
    let v3 = this.#key1 ^ 0x74656462;
    for (let at = offset; at < offset + 8; at += 1) {
      const word = words[at]! | 0;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.#finish(v0, v1, v2, v3, 32 << 24);
    return this.lo;
  }

  #finish(a: number, b: number, c: number, d: number, lastWord: number): void {
    let v0 = a;
    let v1 = b;
    let v2 = c;
    let v3 = d ^ lastWord;
    // One round takes the last word in; three rounds each before the lower and the upper half are read.
    for (let round = 0; round < 7; round += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        v0 ^= lastWord;
        v2 ^= 0xee;
      } else if (round === 3) {
        this.lo = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
    }
    this.hi = (v1 ^ v3) >>> 0;
  }
}
