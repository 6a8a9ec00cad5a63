import type { Writable } from 'node:stream';
import { limits } from '../../config/limits.js';
import type { SocketMemory } from '../../lib/budgets/message-memory.js';
import type { BlockPool } from './block-pool.js';
import { eventFrame, eventFrameBytes, writeEventFrame } from './frames.js';
import type { NextTickQueue } from './next-tick-queue.js';

/** What the send buffers of all clients share. */
export type SendServices = { readonly nextTick: NextTickQueue; readonly blocks: BlockPool };

/**
 * The frames that one client is sent in a turn: they leave at its end, in few writes. Each write is a call of the
 * system, and each chunk of a write costs as much as copying some kilobytes; so frames are put together in a block.
 * Events of this client alone are written into it as they come; shared frames wait as they are and are put into it
 * when they leave, so that a fan-out to many clients takes one block, not one for each. What is written while earlier
 * bytes still wait in the stream is memory of just its size: a client that does not read holds what is counted, and one
 * block. What waits in the stream is counted as the client's memory, with what each write takes beside its bytes.
 */
export class SendBuffer {
  readonly #stream: Writable;
  readonly #services: SendServices;
  readonly #memory: SocketMemory;
  readonly #onSent: () => void;
  /** Writes what waits. Never throws. */
  readonly flush: () => void;
  /** The frames that wait, or else the block in which all are that wait. */
  readonly #frames: Buffer[] = [];
  #block: Buffer | undefined;
  #bytes = 0;
  /** Writes that have not left yet. */
  #writes = 0;

  /**
   * `memory` is grown by what waits in the stream; where it cannot be, the client has to give way. `onSent` is told
   * whenever a write has left for the system; `own` makes a callback one whose faults are somebody's.
   */
  constructor(
    stream: Writable,
    services: SendServices,
    memory: SocketMemory,
    onSent: () => void,
    own: (callback: () => void) => () => void,
  ) {
    this.flush = own(() => this.#flush());
    this.#stream = stream;
    this.#services = services;
    this.#memory = memory;
    this.#onSent = onSent;
  }

  /** Bytes that have not been written to the stream yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a frame, which may be shared and must not change any more. */
  push(frame: Buffer): void {
    this.#makeRoom(frame.length);
    if (this.#block === undefined) this.#frames.push(frame);
    else this.#block.set(frame, this.#bytes);
    this.#bytes += frame.length;
    if (this.#bytes >= limits.sendBlockBytes) this.flush();
  }

  /** Takes the frame of an event that is sent to nobody else: it is put where it leaves from. */
  pushEvent(prefix: Buffer, eventJson: Uint8Array): void {
    const bytes = eventFrameBytes(prefix, eventJson);
    if (bytes > limits.sendBlockBytes) {
      this.push(eventFrame(prefix, eventJson));
      return;
    }
    this.#makeRoom(bytes);
    this.#block ??= this.#join();
    writeEventFrame(this.#block, this.#bytes, prefix, eventJson);
    this.#bytes += bytes;
  }

  #flush(): void {
    const bytes = this.#bytes;
    if (bytes === 0) return;
    this.#bytes = 0;
    const [frame] = this.#frames;
    if (!this.#stream.writable) this.#drop();
    else if (this.#frames.length === 1 && frame !== undefined) this.#writeFrame(frame);
    else this.#writeBlock(this.#block ?? this.#join(), bytes);
  }

  /** What waits and as many bytes behind it fit into a block, or nothing waits. */
  #makeRoom(bytes: number): void {
    if (this.#bytes + bytes > limits.sendBlockBytes) this.flush();
    if (this.#bytes === 0) this.#services.nextTick.push(this.flush);
  }

  /** A block with the frames that wait. */
  #join(): Buffer {
    const block = this.#services.blocks.take();
    let at = 0;
    for (const frame of this.#frames) {
      block.set(frame, at);
      at += frame.length;
    }
    this.#frames.length = 0;
    return block;
  }

  #writeFrame(frame: Buffer): void {
    this.#frames.length = 0;
    const isExact = frame.length === frame.buffer.byteLength;
    this.#write(isExact || this.#isIdle ? frame : exactCopy(frame));
  }

  #writeBlock(block: Buffer, bytes: number): void {
    const { blocks } = this.#services;
    this.#block = undefined;
    const view = block.subarray(0, bytes);
    if (!this.#isIdle) {
      this.#write(exactCopy(view));
      blocks.give(block);
      return;
    }
    let leaving: Buffer | undefined;
    this.#write(view, () => {
      if (leaving !== undefined) blocks.give(leaving);
    });
    // What the stream does not count any more has left, or never will; a socket lets go of the rest in a later turn.
    if (this.#isIdle) blocks.give(block);
    else leaving = block;
  }

  #write(bytes: Buffer, onLeft: () => void = () => {}): void {
    this.#writes += 1;
    this.#stream.write(bytes, () => {
      onLeft();
      this.#writes -= 1;
      this.#count();
      this.#onSent();
    });
    this.#count();
  }

  #count(): void {
    const waiting = this.#stream.writableLength;
    const bytes = waiting === 0 ? 0 : waiting + this.#writes * limits.socketChunkBytes;
    const { held, giveWay } = this.#memory;
    if (bytes !== held.bytes && !held.resize(bytes)) giveWay();
  }

  #drop(): void {
    this.#frames.length = 0;
    if (this.#block !== undefined) this.#services.blocks.give(this.#block);
    this.#block = undefined;
  }

  get #isIdle(): boolean {
    return this.#stream.writableLength === 0;
  }
}

/** A copy that shares its memory with nothing else. */
function exactCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
