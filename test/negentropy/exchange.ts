import type { NegentropyClient } from '../../src/negentropy/client.js';

/** What an exchange brought and cost. Ids are hex, sorted. */
export type Exchange = {
  readonly have: readonly string[];
  readonly need: readonly string[];
  readonly rounds: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly longestUp: number;
  readonly longestDown: number;
};

/** The ids in n · 32 bytes, as hex. */
export function splitIds(bytes: Uint8Array): string[] {
  const ids: string[] = [];
  for (let at = 0; at < bytes.length; at += 32)
    ids.push(Buffer.from(bytes.subarray(at, at + 32)).toString('hex'));
  return ids;
}

/** Runs a client against anything that answers messages, to the end. */
export function exchange(client: NegentropyClient, respond: (message: Uint8Array) => Uint8Array): Exchange {
  const have: string[] = [];
  const need: string[] = [];
  let bytesUp = 0;
  let bytesDown = 0;
  let longestUp = 0;
  let longestDown = 0;
  for (let message: Uint8Array | undefined = client.initiate(); message !== undefined; ) {
    bytesUp += message.length;
    longestUp = Math.max(longestUp, message.length);
    const answer = respond(message);
    bytesDown += answer.length;
    longestDown = Math.max(longestDown, answer.length);
    const step = client.receive(answer);
    have.push(...splitIds(step.have));
    need.push(...splitIds(step.need));
    message = step.next;
  }
  return {
    have: have.sort(),
    need: need.sort(),
    rounds: client.rounds,
    bytesUp,
    bytesDown,
    longestUp,
    longestDown,
  };
}
