import { GitProtocolError } from './errors.js';
import { PktReader } from './pkt-line.js';

/**
 * Lines about what the client has, and where its history ends (gitprotocol-pack, gitprotocol-v2). `shallow` begins the name
 * of a section, too.
 */
const negotiating = /^(?:ACK|NAK|acknowledgments|shallow|unshallow)\b/;

/** Tells when an answer of `git upload-pack`, in whatever version of the protocol, has come to what was asked for. */
export class NegotiationEnd {
  /** Of what came before it. */
  #reader: PktReader | undefined = new PktReader({ hasDelimiters: true });

  /** Takes a piece; answers whether the end is in it, or was in an earlier one. */
  push(piece: Buffer): boolean {
    this.#reader?.push(piece);
    if (this.#reader !== undefined && hasOther(this.#reader)) this.#reader = undefined;
    return this.#reader === undefined;
  }
}

/** Whether anything else has come. A pack that is not multiplexed is none of pkt-lines. */
function hasOther(reader: PktReader): boolean {
  try {
    for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next())
      if (pkt.type === 'line' && !negotiating.test(pkt.payload.toString('latin1'))) return true;
    return false;
  } catch (error) {
    if (error instanceof GitProtocolError) return true;
    throw error;
  }
}
