import type { IncomingMessage, ServerResponse } from 'node:http';
import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { answerJson } from '../../http/answers.js';
import type { RouteRequest } from '../../http/route.js';
import type { AddressAccounts } from '../../lib/budgets/address-accounts.js';
import { parseBoundedJson } from '../../nostr/bounded-json.js';
import { npubOf } from '../../nostr/keys.js';
import type { Moderation } from '../moderation.js';
import { Authorization, type AuthorizationParts, UnauthorizedError } from './authorization.js';
import { call } from './methods.js';

export type ManagementParts = AuthorizationParts & {
  readonly moderation: Moderation;
  readonly accounts: AddressAccounts;
};

/** The media type of calls (NIP-86). */
const callType = 'application/nostr+json+rpc';

/** The management of the relay over HTTP (NIP-86), for its owner and the admins. */
export class Management {
  readonly #parts: ManagementParts;
  readonly #authorization: Authorization;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
    this.#authorization = new Authorization(parts);
  }

  /** Answers a POST to the relay's own path. */
  async handle({ message, addressGroup }: RouteRequest, response: ServerResponse): Promise<void> {
    const type = message.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== callType) {
      answerJson(response, 415, { error: `what is sent here is of the type ${callType} (NIP-86)` });
      return;
    }
    const account = this.#parts.accounts.of(addressGroup);
    const refusal = account.authorizationRefusal();
    if (refusal !== undefined) {
      answerJson(response, 429, { error: refusal });
      return;
    }
    try {
      const event = this.#authorization.read(message.headers.authorization);
      const body = await bodyOf(message);
      if (body === undefined) {
        answerJson(
          response,
          413,
          { error: `a call has ${limits.managementBodyBytesMax} bytes at most` },
          { Connection: 'close' },
        );
        return;
      }
      await this.#authorization.accept(event, body);
      answerJson(response, 200, await this.#answerTo(body, npubOf(event.pubkey)));
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      account.authorizationFailed();
      answerJson(response, 401, { error: error.message }, { 'WWW-Authenticate': 'Nostr' });
    }
  }

  async #answerTo(body: Buffer, by: string): Promise<object> {
    let request: unknown;
    try {
      request = parseBoundedJson(body.toString('utf8'));
    } catch {
      return { error: 'the body is no JSON' };
    }
    return await call(this.#parts.moderation, request, by);
  }
}

/** The whole body; `undefined` where it is too large, which is not read to its end, or did not come whole. */
async function bodyOf(message: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Buffer> = message.iterator({ destroyOnReturn: false });
  try {
    for await (const piece of stream) {
      bytes += piece.length;
      pieces.push(piece);
      const isTooLarge = exceeds('managementBodyBytesMax', bytes);
      if (isTooLarge || exceeds('httpBodyPiecesMax', pieces.length)) return undefined;
    }
  } catch {
    // Whoever sent it is gone, and hears no answer.
    return undefined;
  }
  return Buffer.concat(pieces);
}
