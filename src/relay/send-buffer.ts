import type { Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import type { BlockPool } from './block-pool.js';
import { eventFrame, eventFrameBytes, writeEventFrame } from './frames.js';
import type { TurnEnd } from './turn-end.js';

/** What the send buffers of all clients share. */
export type SendServices = { readonly turnEnd: TurnEnd; readonly blocks: BlockPool };

/**
 * The frames that one client is sent in a turn: they leave at its end, in few writes. Each write is a call of the
 * system, and each chunk of a write costs as much as copying some kilobytes; so frames are put together in a block,
 * but for one that is alone in its turn, which is written as it is.
 */
export class SendBuffer {
  readonly #stream: Writable;
  readonly #services: SendServices;
  readonly #onSent: () => void;
  /** The one frame that waits, or else the block in which all are that wait. */
  #alone: Buffer | undefined;
  #block: Buffer | undefined;
  #bytes = 0;

  /** `onSent` is told whenever a write has left for the system. */
  constructor(stream: Writable, services: SendServices, onSent: () => void) {
    this.#stream = stream;
    this.#services = services;
    this.#onSent = onSent;
  }

  /** Bytes that have not been written to the stream yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a frame, which may be shared and must not change any more. */
  push(frame: Buffer): void {
    if (this.#bytes > 0 && frame.length <= limits.sendBlockBytes) {
      this.#blockFor(frame.length).set(frame, this.#bytes);
      this.#bytes += frame.length;
      return;
    }
    this.flush();
    this.#alone = frame;
    this.#bytes = frame.length;
    if (frame.length >= limits.sendBlockBytes) this.flush();
    else this.#services.turnEnd.push(this.flush);
  }

  /** Takes the frame of an event that is sent to nobody else: it is put where it leaves from. */
  pushEvent(prefix: Buffer, eventJson: Uint8Array): void {
    const bytes = eventFrameBytes(prefix, eventJson);
    if (bytes > limits.sendBlockBytes) {
      this.push(eventFrame(prefix, eventJson));
      return;
    }
    writeEventFrame(this.#blockFor(bytes), this.#bytes, prefix, eventJson);
    this.#bytes += bytes;
  }

  readonly flush = (): void => {
    const alone = this.#alone;
    const block = this.#block;
    const bytes = this.#bytes;
    this.#alone = undefined;
    this.#block = undefined;
    this.#bytes = 0;
    if (alone !== undefined && this.#stream.writable) this.#stream.write(alone, this.#onSent);
    if (block !== undefined) this.#writeBlock(block, bytes);
  };

  #writeBlock(block: Buffer, bytes: number): void {
    const { blocks } = this.#services;
    if (!this.#stream.writable) {
      blocks.give(block);
      return;
    }
    this.#stream.write(block.subarray(0, bytes), () => {
      blocks.give(block);
      this.#onSent();
    });
  }

  /** The block that holds all that waits and has room for as many bytes behind it. */
  #blockFor(bytes: number): Buffer {
    if (this.#bytes + bytes > limits.sendBlockBytes) this.flush();
    if (this.#bytes === 0) this.#services.turnEnd.push(this.flush);
    this.#block ??= this.#services.blocks.take();
    if (this.#alone !== undefined) {
      this.#block.set(this.#alone);
      this.#alone = undefined;
    }
    return this.#block;
  }
}
