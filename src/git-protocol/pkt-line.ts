import { GitProtocolError } from './errors.js';

/** The digits of the length before each pkt-line (gitprotocol-common). */
const lengthChars = 4;
/** Bytes of one pkt-line at most, its length counted. */
const pktBytesMax = 65_520;
/** What one pkt-line carries at most, in bytes. */
export const pktPayloadBytesMax = pktBytesMax - lengthChars;

/** Ends a list of pkt-lines. */
export const flushPkt = Buffer.from('0000');

/** One pkt-line. Throws a `RangeError` for a payload that does not fit into one. */
export function pktLine(payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (bytes.length > pktPayloadBytesMax) throw new RangeError(`a pkt-line of ${bytes.length} bytes`);
  const length = (bytes.length + lengthChars).toString(16).padStart(lengthChars, '0');
  return Buffer.concat([Buffer.from(length, 'latin1'), bytes]);
}

/** Parts the sections of a message of protocol v2. */
export const delimiterPkt = Buffer.from('0001');

/** What a stream of pkt-lines has next; delimiters are of protocol v2. */
export type Pkt =
  | { readonly type: 'line'; readonly payload: Buffer }
  | { readonly type: 'flush' | 'delimiter' | 'response-end' };

/** What has no payload, by the length that it says instead of one. */
const special = ['flush', 'delimiter', 'response-end'] as const;

/**
 * Reads pkt-lines from a stream that comes in pieces, however small. Whatever is behind the last one that was asked for
 * stays in `rest`. The delimiters of protocol v2 are read only where they may be: a push has none.
 */
export class PktReader {
  readonly #specials: number;
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes that the next pkt-line has, as far as is known: before that many are here nothing is put together. */
  #needed = lengthChars;

  constructor({ hasDelimiters = false }: { readonly hasDelimiters?: boolean } = {}) {
    this.#specials = hasDelimiters ? special.length : 1;
  }

  /** What was pushed and not read yet. */
  get rest(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces, this.#length)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The next pkt-line, `undefined` while it has not come whole. Throws `GitProtocolError`. */
  next(): Pkt | undefined {
    if (this.#length < this.#needed) return undefined;
    const bytes = this.rest;
    const length = lengthOf(bytes);
    const type = length < this.#specials ? special[length] : undefined;
    if (type !== undefined) {
      this.#keep(bytes.subarray(lengthChars));
      return { type };
    }
    if (length < lengthChars || length > pktBytesMax) {
      throw new GitProtocolError(`a pkt-line cannot be of length ${length}`);
    }
    this.#needed = length;
    if (bytes.length < length) return undefined;
    this.#keep(bytes.subarray(length));
    return { type: 'line', payload: bytes.subarray(lengthChars, length) };
  }

  #keep(rest: Buffer): void {
    this.#pieces = [rest];
    this.#length = rest.length;
    this.#needed = lengthChars;
  }
}

function lengthOf(bytes: Buffer): number {
  const digits = bytes.toString('latin1', 0, lengthChars);
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new GitProtocolError('the length of a pkt-line is not hex');
  return Number.parseInt(digits, 16);
}
