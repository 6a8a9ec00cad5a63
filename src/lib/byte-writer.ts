/** Room at the start, and the most that is kept for the next time. */
const keptBytesMax = 1_048_576;
/** A UTF-16 unit is at most three bytes of UTF-8. */
const utf8BytesPerUnitMax = 3;

/**
 * Writes bytes one behind the other into memory that is used again and again, so that nothing has to be measured
 * before it is written.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(keptBytesMax);
  #length = 0;

  /** How many were written. */
  get length(): number {
    return this.#length;
  }

  /** Writes text as UTF-8; returns its bytes. */
  text(text: string): number {
    this.#reserve(text.length * utf8BytesPerUnitMax);
    const count = this.#bytes.write(text, this.#length);
    this.#length += count;
    return count;
  }

  /** Writes the bytes that hex digits stand for; the caller has checked that they are. */
  hex(digits: string): void {
    this.#reserve(digits.length / 2);
    this.#length += this.#bytes.write(digits, this.#length, 'hex');
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
  }

  /** Writes 32 bits; returns where, for `setU32`. */
  u32(value: number): number {
    this.#reserve(4);
    const at = this.#length;
    this.#length = this.#bytes.writeUInt32LE(value, at);
    return at;
  }

  /** Writes a number over one that was written as 0 before it was known. */
  setU32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at);
  }

  /** Begins anew: whoever wrote before may have failed half-way. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written, in memory of its own; the writer begins anew. */
  take(): ArrayBuffer {
    const { buffer, byteOffset } = this.#bytes;
    const taken = buffer.slice(byteOffset, byteOffset + this.#length) as ArrayBuffer;
    this.clear();
    if (this.#bytes.length > keptBytesMax) this.#bytes = Buffer.allocUnsafeSlow(keptBytesMax);
    return taken;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
