import type { ServerResponse } from 'node:http';
import { partyOf } from '../lib/budgets/address-group.js';

/** Who asks for something. */
export type Asker = {
  /** Aborts when the client has gone, or has its whole answer. */
  readonly signal: AbortSignal;
  /** Who it counts for where places are shared; `undefined` where that cannot be told. */
  readonly party: string | undefined;
};

/** The client to which a response goes. */
export function askerOf(addressGroup: string, response: Pick<ServerResponse, 'once'>): Asker {
  const left = new AbortController();
  response.once('close', () => left.abort());
  return { signal: left.signal, party: partyOf(addressGroup) };
}
