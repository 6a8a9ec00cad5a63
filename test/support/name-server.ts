import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { freePort } from './free-port.js';

/** The kinds of records that are asked for. */
export type RecordType = 'A' | 'AAAA';

/** What is said to a question; `silent` is nothing at all. */
export type NameAnswer =
  | 'silent'
  | 'no such name'
  | 'failure'
  | {
      /** Those of the family that is asked for are given. */
      readonly addresses: readonly string[];
      /** Names that lead from the one that was asked to the one that has the addresses, in order. */
      readonly aliases?: readonly string[];
      readonly afterMs?: number;
    };

export type Naming = (name: string, type: RecordType) => NameAnswer;

const typeNumbers: Readonly<Record<number, RecordType>> = { 1: 'A', 28: 'AAAA' };
const aliasNumber = 5;
const headerBytes = 12;
/** Longest answer in a datagram, in bytes; a longer one is asked for again over TCP. */
const datagramBytesMax = 512;

/** A DNS server on loopback, over UDP and TCP, which answers as it is told. */
export class NameServer implements AsyncDisposable {
  /** Such as `127.4.13.200`. */
  readonly address: string;
  readonly port: number;
  /** Every question, in order, as `relay.net AAAA`. */
  readonly asked: string[] = [];
  readonly #naming: Naming;
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #streams = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(address: string, port: number, naming: Naming) {
    this.address = address;
    this.port = port;
    this.#naming = naming;
    this.#datagrams = createSocket('udp4');
    this.#datagrams.on('message', (query, from) => this.#onDatagram(query, from));
    this.#server = createServer((stream) => this.#onStream(stream));
  }

  /** On port 53, for a process that knows the server by its address alone; that needs the right to listen there. */
  static async listen(naming: Naming): Promise<NameServer> {
    // All of 127/8 is this machine: no other test has the same address.
    const byte = () => 1 + Math.floor(Math.random() * 250);
    return await NameServer.#listen(naming, `127.${byte()}.${byte()}.${byte()}`, 53);
  }

  /** On a free port. */
  static async listenAnywhere(naming: Naming): Promise<NameServer> {
    return await NameServer.#listen(naming, '127.0.0.1', await freePort());
  }

  static async #listen(naming: Naming, address: string, port: number): Promise<NameServer> {
    const server = new NameServer(address, port, naming);
    server.#datagrams.bind(port, address);
    await once(server.#datagrams, 'listening');
    server.#server.listen(port, address);
    await once(server.#server, 'listening');
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams) stream.destroy();
    this.#datagrams.close();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #onDatagram(query: Buffer, { port, address }: RemoteInfo): void {
    this.#answer(query, (answer) => {
      const bytes = answer.length <= datagramBytesMax ? answer : truncated(answer);
      this.#datagrams.send(bytes, port, address);
    });
  }

  #onStream(stream: Socket): void {
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
    stream.on('error', () => {});
    let waiting = Buffer.alloc(0);
    stream.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const end = 2 + waiting.readUInt16BE(0);
        this.#answer(waiting.subarray(2, end), (answer) => stream.write(withLength(answer)));
        waiting = waiting.subarray(end);
      }
    });
  }

  #answer(query: Buffer, send: (answer: Buffer) => void): void {
    const { name, end } = readName(query, headerBytes);
    const type = typeNumbers[query.readUInt16BE(end)];
    if (type !== undefined) this.asked.push(`${name} ${type}`);
    const answer = type === undefined ? { addresses: [] } : this.#naming(name, type);
    if (answer === 'silent') return;
    const given = typeof answer === 'string' ? undefined : answer;
    const records =
      given === undefined || type === undefined
        ? []
        : recordsOf(name, type, given.addresses, given.aliases ?? []);
    const code = answer === 'no such name' ? 3 : answer === 'failure' ? 2 : 0;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      send(answerTo(query, end + 4, code, records));
    }, given?.afterMs ?? 0);
    this.#timers.add(timer);
  }
}

function recordsOf(
  name: string,
  type: RecordType,
  addresses: readonly string[],
  aliases: readonly string[],
): Buffer[] {
  const names = [name, ...aliases];
  const kind = type === 'A' ? 'ipv4' : 'ipv6';
  const last = names.at(-1) ?? name;
  return [
    ...aliases.map((alias, index) => record(names[index] ?? name, aliasNumber, nameBytes(alias))),
    ...addresses
      .map((address) => ipaddr.parse(address))
      .filter((address) => address.kind() === kind)
      .map((address) => record(last, type === 'A' ? 1 : 28, Buffer.from(address.toByteArray()))),
  ];
}

/** A record without a time to live: the next question is asked anew. */
function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(name), fixed, data]);
}

function answerTo(query: Buffer, questionEnd: number, code: number, records: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(headerBytes);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, query.subarray(headerBytes, questionEnd), ...records]);
}

/** Says that there is more than fits: the question without answers, and the flag TC. */
function truncated(answer: Buffer): Buffer {
  const head = Buffer.from(answer.subarray(0, headerBytes));
  head.writeUInt16BE(head.readUInt16BE(2) | 0x0200, 2);
  head.writeUInt16BE(0, 6);
  return Buffer.concat([head, answer.subarray(headerBytes, readName(answer, headerBytes).end + 4)]);
}

function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
