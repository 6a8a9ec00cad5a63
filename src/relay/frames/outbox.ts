import { GraspError } from '../../lib/errors.js';

/** Thrown to those who wait to send to a client that is gone. */
export class ClientGoneError extends GraspError {
  constructor() {
    super('client_gone', 'the client is gone');
  }
}

/** The way to one client: a send queue that is bounded in bytes. */
export type Outbox = {
  /** Queues one message. What is sent to a client that is gone is lost without a word. */
  send(text: string): void;
  /** The same for a whole WebSocket frame (text-frame.ts), which may be shared and must not change any more. */
  sendFrame(frame: Buffer): void;
  /** The same for an event whose frame is for this client alone: what `eventPrefix` made, and the event's JSON. */
  sendEvent(prefix: Buffer, eventJson: Uint8Array): void;
  /** Whether more than the high mark waits; who can wait, waits for `waitForCapacity`. */
  readonly full: boolean;
  /** Resolves when the queue is at its low mark; rejects with `ClientGoneError` when the client is gone. */
  waitForCapacity(): Promise<void>;
  /** Ends the connection, for the memory that the client held goes to others; says so where it can be said. */
  giveWay(): void;
  /** Ends the connection, for the client sent too much that cannot be read, or above its rates; says so where it can be said. */
  shutOut(): void;
};
