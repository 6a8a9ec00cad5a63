/** Bytes of a stream, up to a limit. */
export class Collected {
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isOverfull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** Whether the chunk fitted. */
  add(chunk: Buffer): boolean {
    const room = this.#bytesMax - this.#bytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#bytes += chunk.length;
    return !this.isOverfull;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
