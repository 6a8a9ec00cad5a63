import { once } from 'node:events';
import { type RawData, WebSocket } from 'ws';
import type { HonestRecord } from './honest-record.js';

/** Connections that are being made at the same time. */
const connectsMax = 25;

/** A message of the relay that is no event; its first two elements are text. */
export type RelayWord = readonly [type: string, subject: string, ...rest: unknown[]];

/**
 * A client that keeps to the rules and costs little: events that come are counted and not read. It says when it is
 * dropped, which it never should be.
 */
export class HonestClient {
  onWord: (word: RelayWord) => void = () => {};
  readonly #socket: WebSocket;
  readonly #record: HonestRecord;

  private constructor(socket: WebSocket, record: HonestRecord) {
    this.#socket = socket;
    this.#record = record;
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('close', (code, reason) => record.complain(`dropped with ${code} ${reason}`));
    socket.on('error', (error) => record.complain(`connection failed: ${error.message}`));
  }

  /** Connects as from that address, by way of a proxy. */
  static async connect(url: string, address: string, record: HonestRecord): Promise<HonestClient> {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      headers: { 'x-forwarded-for': address },
    });
    const client = new HonestClient(socket, record);
    await once(socket, 'open');
    record.connections += 1;
    return client;
  }

  send(...message: readonly unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }

  #onMessage(data: RawData): void {
    const bytes = data as Buffer;
    if (bytes.toString('latin1', 2, 7) === 'EVENT') this.#record.deliveries += 1;
    else this.onWord(JSON.parse(bytes.toString()) as RelayWord);
  }
}

/** Connects clients, some at a time, each as from an address of its own. */
export async function connectAll(
  url: string,
  count: number,
  network: number,
  record: HonestRecord,
): Promise<HonestClient[]> {
  const clients: HonestClient[] = [];
  for (let at = 0; at < count; at += connectsMax) {
    const some = Array.from({ length: Math.min(connectsMax, count - at) }, (_, index) =>
      HonestClient.connect(url, addressOf(network, at + index), record),
    );
    for (const client of await Promise.all(some)) clients.push(client);
  }
  return clients;
}

/** One of 65,536 addresses of each of 256 networks, none of which is anybody's. */
export function addressOf(network: number, client: number): string {
  return `100.${network & 255}.${(client >> 8) & 255}.${client & 255}`;
}

/** Whether a word answers what an honest client asked; else why it should not have come. */
export function complaintOf([type, subject, reason]: RelayWord): string | undefined {
  if (type === 'CLOSED' || type === 'NEG-ERR') return `${type}: ${reason}`;
  if (type === 'NOTICE') return `NOTICE: ${subject}`;
  return undefined;
}
