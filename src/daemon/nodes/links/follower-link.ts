import type { RawData } from 'ws';
import type { Admission, AdmissionOutcome } from '../../../admission/admission.js';
import { reaches } from '../../../config/limit-use.js';
import { deferred } from '../../../lib/abort.js';
import type { AddressAccounts } from '../../../lib/budgets/address-accounts.js';
import type { Clock } from '../../../lib/clock.js';
import type { Faults } from '../../../lib/faults.js';
import { InvalidEventError, parseEvent } from '../../../nostr/event.js';
import { type Behind, Lag } from '../lag.js';
import { type FollowerMessage, readFollowerMessage, type Submission, writerFrame } from './node-messages.js';
import type { NodeSocket } from './node-socket.js';

export type FollowerLinkParts = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity'>;
  readonly accounts: AddressAccounts;
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly faults: Faults;
};

const failed: AdmissionOutcome = { type: 'failed', reason: 'error: the event could not be stored' };

/** The connection of one graspd that follows. What fails on its behalf ends it; it comes again. */
export class FollowerLink {
  /** Resolves when it has ended; never rejects. */
  readonly closed: Promise<void>;
  /** Where it is reached, as it says; `undefined` where it does not. */
  readonly url: string | undefined;
  /** Since when it is connected, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly #socket: NodeSocket;
  readonly #parts: FollowerLinkParts;
  readonly #lag: Lag;
  #inFlight = 0;
  #waitsForRoom = false;
  #hasAnswered = true;
  #blocked = '';

  constructor(socket: NodeSocket, url: string | undefined, parts: FollowerLinkParts) {
    const { clock, faults } = parts;
    const closed = deferred<void>();
    const end = () => socket.terminate();
    this.closed = closed.promise;
    this.url = url;
    this.sinceMs = clock.now();
    this.#lag = new Lag(clock, 0);
    this.#socket = socket;
    this.#parts = parts;
    socket.on(
      'message',
      faults.guard('remote', end, (data: RawData) => this.#take(readFollowerMessage(data.toString()))),
    );
    socket.on('pong', () => {
      this.#hasAnswered = true;
    });
    socket.on('error', end);
    socket.on('close', () => closed.resolve());
  }

  /** How far what it has said to serve is behind what it was told of. */
  get behind(): Behind {
    return this.#lag.behind;
  }

  /** Tells it that all up to this sequence is written: the frame of that message. */
  tellWritten(sequence: number, frame: string): void {
    this.#lag.told(sequence);
    this.send(frame);
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

  #take(message: FollowerMessage): void {
    if (message.type === 'event') this.#takeEvent(message);
    else this.#lag.reached(message.sequence);
  }

  #takeEvent({ number, addressGroup, event }: Submission): void {
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
