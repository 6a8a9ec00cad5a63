import type { RawData, WebSocket } from 'ws';
import type { Admission, AdmissionOutcome } from '../../admission/admission.js';
import { reaches } from '../../config/limit-use.js';
import { deferred } from '../../lib/abort.js';
import type { AddressAccounts } from '../../lib/budgets/address-accounts.js';
import type { Faults } from '../../lib/faults.js';
import { InvalidEventError, parseEvent } from '../../nostr/event.js';
import { readSubmission, type Submission, writerFrame } from './node-messages.js';

export type FollowerLinkParts = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity'>;
  readonly accounts: AddressAccounts;
  readonly faults: Faults;
};

const failed: AdmissionOutcome = { type: 'failed', reason: 'error: the event could not be stored' };

/** The connection of one graspd that follows. What fails on its behalf ends it; it comes again. */
export class FollowerLink {
  /** Resolves when it has ended; never rejects. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #parts: FollowerLinkParts;
  #inFlight = 0;
  #waitsForRoom = false;
  #hasAnswered = true;
  #blocked = '';

  constructor(socket: WebSocket, parts: FollowerLinkParts) {
    const { faults } = parts;
    const closed = deferred<void>();
    const end = () => socket.terminate();
    this.closed = closed.promise;
    this.#socket = socket;
    this.#parts = parts;
    socket.on(
      'message',
      faults.guard('remote', end, (data: RawData) => this.#take(readSubmission(data.toString()))),
    );
    socket.on('pong', () => {
      this.#hasAnswered = true;
    });
    socket.on('error', end);
    socket.on('close', () => closed.resolve());
  }

  send(frame: string): void {
    // It does not read: what it misses it finds in the database.
    if (reaches('nodeSendBytesMax', this.#socket.bufferedAmount)) this.#socket.terminate();
    else this.#socket.send(frame);
  }

  /** The message with all networks that are blocked, which is sent when it says something new. */
  tellBlocked(frame: string): void {
    if (frame === this.#blocked) return;
    this.#blocked = frame;
    this.send(frame);
  }

  /** Ends one that is gone without a word. */
  check(): void {
    if (!this.#hasAnswered) {
      this.#socket.terminate();
      return;
    }
    this.#hasAnswered = false;
    this.#socket.ping();
  }

  async close(): Promise<void> {
    this.#socket.close(1001);
    // What it waits for it asks of the next one that writes.
    this.#socket.terminate();
    await this.closed;
  }

  #take({ number, addressGroup, event }: Submission): void {
    this.#inFlight += 1;
    void this.#submit(event, addressGroup).then((outcome) => {
      this.#inFlight -= 1;
      this.send(writerFrame({ type: 'outcome', number, outcome }));
      this.#flow();
    });
    void this.#waitForRoom();
    this.#flow();
  }

  async #submit(value: unknown, addressGroup: string): Promise<AdmissionOutcome> {
    try {
      const address = this.#parts.accounts.of(addressGroup);
      return await this.#parts.admission.submit(parseEvent(value), { type: 'direct', address });
    } catch (error) {
      // One of another version took it for an event.
      if (error instanceof InvalidEventError) return { type: 'refused', reason: `invalid: ${error.message}` };
      return failed;
    }
  }

  async #waitForRoom(): Promise<void> {
    if (this.#waitsForRoom) return;
    this.#waitsForRoom = true;
    // One that takes nothing more says so of each event.
    await this.#parts.admission.waitForCapacity('direct').catch(() => {});
    this.#waitsForRoom = false;
    this.#flow();
  }

  /** It is not read while there is too much of it here. */
  #flow(): void {
    const isFull = reaches('nodeEventsInFlightMax', this.#inFlight);
    if (this.#waitsForRoom || isFull) this.#socket.pause();
    else this.#socket.resume();
  }
}
