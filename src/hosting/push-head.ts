import { GitProtocolError } from '../git-protocol/errors.js';
import type { ReceiveRequest, ReceiveRequestParser } from '../git-protocol/receive-request.js';

/**
 * Reads the commands of a push; what came of its pack with the last of them is left in the parser. Rejects with
 * `GitProtocolError`, and with what the body fails with.
 */
export async function readHead(
  parser: ReceiveRequestParser,
  body: AsyncIterator<Buffer>,
): Promise<ReceiveRequest> {
  for (;;) {
    const next = await body.next();
    if (next.done === true) throw new GitProtocolError('the push ends within its commands');
    const request = parser.push(next.value);
    if (request !== undefined) return request;
  }
}

/** The pieces of a body of which one was read already. */
export async function* withFirst(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
