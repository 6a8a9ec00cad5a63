import { getToken } from 'nostr-tools/nip98';
import type { Identity } from '../../src/nostr/keys.js';

/** A call of the management of a relay (NIP-86), by the NIP-98 of an independent library: the status and the answer. */
export async function manage(
  url: string,
  by: Identity,
  method: string,
  ...params: unknown[]
): Promise<[status: number, answer: unknown]> {
  const call = { method, params };
  const token = await getToken(url, 'POST', (template) => by.sign(template), true, call);
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(call),
    headers: { 'Content-Type': 'application/nostr+json+rpc', Authorization: token },
  });
  return [response.status, await response.json()];
}
