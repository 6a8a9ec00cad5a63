import { limits } from '../../config/limits.js';

/**
 * Blocks of memory in which frames are put together for a write. Most writes leave at once, so that few blocks serve all
 * clients; they are used again, for what is allocated anew has to be collected.
 */
export class BlockPool {
  readonly #free: Buffer[] = [];

  /** A block of `sendBlockBytes`, whatever it holds. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(limits.sendBlockBytes);
  }

  /** Takes back a block that nobody reads any more. */
  give(block: Buffer): void {
    if (this.#free.length < limits.sendBlocksKeptMax) this.#free.push(block);
  }
}
