import { EarlyEndError, GitProtocolError, RemoteRefusal, ShallowRepositoryError } from './errors.js';
import { oneLine } from './one-line.js';
import { type Pkt, PktReader } from './pkt-line.js';

/** The bands of a multiplexed answer (gitprotocol-pack). */
const bands = { data: 1, progress: 2, fatal: 3 } as const;
const bandMax = 3;

/** What else than a pack may come for each so many bytes of it. */
const packBytesPerOther = 8;

export type FetchAnswerForm = {
  readonly version: 0 | 1 | 2;
  /** Bytes that may come beside the pack, and beside a share of that: signs of life, progress, lengths. */
  readonly otherBytesMax: number;
};

/**
 * The pack of an answer to a request for one, in the pieces in which it comes; who reads slowly makes the server wait. Throws
 * `RemoteRefusal`, `ShallowRepositoryError`, `EarlyEndError` and `GitProtocolError`, and whatever `answer` throws.
 */
export async function* packOf(
  answer: AsyncIterable<Buffer>,
  form: FetchAnswerForm,
): AsyncGenerator<Buffer, void, void> {
  const reader = new FetchAnswerReader(form);
  for await (const chunk of answer) {
    const pack = reader.push(chunk);
    if (pack.length > 0) yield pack;
    if (reader.isDone) return;
  }
  throw new EarlyEndError();
}

/** Reads that answer, which came to a request that said `done`: there is a pack in it, or a reason why not. */
class FetchAnswerReader {
  readonly #reader: PktReader;
  readonly #otherBytesMax: number;
  readonly #isV2: boolean;
  #reads: 'section' | 'acknowledgments' | 'pack' | 'end';
  #bytes = 0;
  #packBytes = 0;

  constructor({ version, otherBytesMax }: FetchAnswerForm) {
    this.#isV2 = version === 2;
    this.#reader = new PktReader({ hasDelimiters: this.#isV2 });
    this.#otherBytesMax = otherBytesMax;
    this.#reads = this.#isV2 ? 'section' : 'acknowledgments';
  }

  get isDone(): boolean {
    return this.#reads === 'end';
  }

  /** Takes a piece; gives what of the pack was in it. */
  push(chunk: Buffer): Buffer {
    this.#reader.push(chunk);
    const pack: Buffer[] = [];
    while (!this.isDone) {
      const pkt = this.#reader.next();
      if (pkt === undefined) break;
      const data = this.#read(pkt);
      if (data === undefined) continue;
      pack.push(data);
      this.#packBytes += data.length;
    }
    this.#bytes += chunk.length;
    const otherBytes = this.#bytes - this.#packBytes;
    if (otherBytes > this.#otherBytesMax + this.#packBytes / packBytesPerOther)
      throw new GitProtocolError('too much comes beside the pack');
    return Buffer.concat(pack);
  }

  #read(pkt: Pkt): Buffer | undefined {
    if (pkt.type === 'line') {
      if (pkt.payload.toString('latin1', 0, 4) === 'ERR ')
        throw new RemoteRefusal(oneLine(pkt.payload.toString('utf8', 4)));
      if (this.#reads === 'pack') return this.#band(pkt.payload);
      if (this.#reads === 'section') this.#section(textOf(pkt.payload));
      else return this.#acknowledgment(pkt.payload);
    } else if (pkt.type === 'delimiter' && this.#reads === 'acknowledgments') {
      this.#reads = 'section';
    } else if (pkt.type === 'flush' && this.#reads === 'pack') {
      this.#reads = 'end';
    } else {
      throw new GitProtocolError('the answer has no pack');
    }
    return undefined;
  }

  #section(name: string): void {
    if (name === 'packfile') this.#reads = 'pack';
    else if (name === 'acknowledgments') this.#reads = 'acknowledgments';
    else if (name === 'shallow-info') throw new ShallowRepositoryError();
    else throw new GitProtocolError('the answer has a section that was not asked for');
  }

  #acknowledgment(payload: Buffer): Buffer | undefined {
    const band = payload[0] ?? 0;
    if (!this.#isV2 && band > 0 && band <= bandMax) {
      this.#reads = 'pack';
      return this.#band(payload);
    }
    const text = textOf(payload);
    if (text.startsWith('shallow ') || text.startsWith('unshallow ')) throw new ShallowRepositoryError();
    if (text !== 'NAK' && !text.startsWith('ACK ') && text !== 'ready')
      throw new GitProtocolError('the answer begins with what is no acknowledgment');
    return undefined;
  }

  #band(payload: Buffer): Buffer | undefined {
    const text = payload.subarray(1);
    switch (payload[0]) {
      case bands.data:
        return text;
      case bands.progress:
        return undefined;
      case bands.fatal:
        throw new RemoteRefusal(oneLine(text.toString('utf8')));
      default:
        throw new GitProtocolError('the answer has a band that there is not');
    }
  }
}

function textOf(payload: Buffer): string {
  const text = payload.toString('latin1');
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
