import { once } from 'node:events';
import { type RawData, WebSocket } from 'ws';
import type { Filter } from '../../src/nostr/filter.js';
import { machineMs } from './statistics.js';

/** How a request ended, and when. */
export type Answer = { readonly events: number; readonly ms: number };

/** Longest time to wait for any answer. */
const answerMsMax = 120_000;

/**
 * A client that costs as little as it can, for it shares the cores with what it measures: frames are told apart by
 * their first characters, and stored events are counted and not read.
 */
export class BenchClient implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (frame: string) => void>();
  #events = 0;
  #requests = 0;
  /** Told of each OK: the id and whether the event was taken. */
  onOk: (id: string, accepted: boolean, frame: string) => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('error', () => {});
  }

  static async connect(url: string): Promise<BenchClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    await once(socket, 'open');
    return new BenchClient(socket);
  }

  /** Sends an event that stands as JSON. */
  publish(json: string): void {
    this.#socket.send(`["EVENT",${json}]`);
  }

  /** From REQ to EOSE. */
  async request(filter: Filter): Promise<Answer> {
    const id = this.#nextId();
    this.#events = 0;
    const sentAt = machineMs();
    await this.#ask(id, ['REQ', id, filter]);
    const answer = { events: this.#events, ms: machineMs() - sentAt };
    this.#send(['CLOSE', id]);
    return answer;
  }

  /** How many events are stored (NIP-45). */
  async count(filter: Filter): Promise<number> {
    const id = this.#nextId();
    const frame = await this.#ask(id, ['COUNT', id, filter]);
    return (JSON.parse(frame) as [string, string, { count: number }])[2].count;
  }

  /** From NEG-OPEN to the first NEG-MSG; `payload` is hex. */
  async openNegentropy(filter: Filter, payload: string): Promise<Answer> {
    const id = this.#nextId();
    const sentAt = machineMs();
    const frame = await this.#ask(id, ['NEG-OPEN', id, filter, payload]);
    const ms = machineMs() - sentAt;
    if (!frame.startsWith('["NEG-MSG"')) throw new Error(`no NEG-MSG but ${frame.slice(0, 200)}`);
    this.#send(['NEG-CLOSE', id]);
    return { events: 0, ms };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  async #ask(id: string, message: readonly unknown[]): Promise<string> {
    const answered = new Promise<string>((resolve, reject) => {
      const overdue = setTimeout(() => reject(new Error(`no answer to ${message[0]}`)), answerMsMax);
      this.#waiting.set(id, (frame) => {
        clearTimeout(overdue);
        resolve(frame);
      });
    });
    this.#send(message);
    const frame = await answered;
    this.#waiting.delete(id);
    return frame;
  }

  #onMessage(data: RawData): void {
    const bytes = data as Buffer;
    const type = bytes.toString('latin1', 2, 5);
    if (type === 'EVE') {
      this.#events += 1;
      return;
    }
    const frame = bytes.toString('utf8');
    const [name, id, accepted] = JSON.parse(frame) as [string, string, unknown];
    if (name === 'OK') this.onOk(id, accepted === true, frame);
    else this.#waiting.get(id)?.(frame);
  }

  #nextId(): string {
    this.#requests += 1;
    return `bench-${this.#requests}`;
  }

  #send(message: readonly unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }
}
