import { createHash } from 'node:crypto';
import type { Verifier } from '../../admission/verification/verifier.js';
import { reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { GraspError } from '../../lib/errors.js';
import { parseBoundedJson } from '../../nostr/bounded-json.js';
import { firstTagValue, type NostrEvent, parseEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';

export type AuthorizationParts = {
  readonly verifier: Pick<Verifier, 'verify'>;
  readonly clock: Clock;
  /** Whether a URL is that of this relay, as clients reach it. */
  readonly isOwnUrl: (url: string) => boolean;
  /** Whether a public key in hex is of somebody who may manage the relay. */
  readonly isAdmin: (pubkey: string) => boolean;
};

/** The request does not show who sent it, or it is nobody who may; the message says why. */
export class UnauthorizedError extends GraspError {
  constructor(message: string) {
    super('unauthorized', message);
  }
}

/**
 * Who sends a request over HTTP, by an event in its `Authorization` header (NIP-98), as NIP-86 asks for it: with the hash of
 * the body. Each event is good for one request. What costs least is looked at first, and the signature of admins only.
 */
export class Authorization {
  readonly #parts: AuthorizationParts;
  readonly #startedAt: number;
  /** Ids of events that were used, and when they are too old by themselves: in seconds, the first used first. */
  readonly #used = new Map<string, number>();
  #sweptAt = 0;

  constructor(parts: AuthorizationParts) {
    this.#parts = parts;
    this.#startedAt = unixSeconds(parts.clock);
  }

  /** What can be said without the body. Throws `UnauthorizedError`. */
  read(header: string | undefined): NostrEvent {
    const event = eventIn(header);
    if (event.kind !== kinds.httpAuthentication)
      throw new UnauthorizedError(`the kind of an authorization is ${kinds.httpAuthentication} (NIP-98)`);
    if (!this.#parts.isAdmin(event.pubkey)) throw new UnauthorizedError('this key may not manage the relay');
    this.#checkAge(event);
    // What was used before the start is not known any more.
    if (event.created_at < this.#startedAt)
      throw new UnauthorizedError('created_at is before the start of this relay; sign anew');
    if (!this.#parts.isOwnUrl(firstTagValue(event, 'u') ?? ''))
      throw new UnauthorizedError("the tag 'u' is not the URL of this relay");
    if (firstTagValue(event, 'method')?.toUpperCase() !== 'POST')
      throw new UnauthorizedError("the tag 'method' is not POST");
    return event;
  }

  /** That the event is genuine, for this body, and not used before; it is used now. Rejects with `UnauthorizedError`. */
  async accept(event: NostrEvent, body: Buffer): Promise<void> {
    if (firstTagValue(event, 'payload') !== createHash('sha256').update(body).digest('hex'))
      throw new UnauthorizedError("the tag 'payload' is not the SHA-256 of the body");
    const { verdicts } = await this.#parts.verifier.verify([event]);
    if (verdicts[0] !== 'valid') throw new UnauthorizedError('the id or the signature is wrong');
    this.#use(event);
  }

  /** Gives the time of now, in seconds. Throws `UnauthorizedError`. */
  #checkAge({ created_at }: NostrEvent): number {
    const now = unixSeconds(this.#parts.clock);
    if (Math.abs(created_at - now) > limits.httpAuthSecondsMax)
      throw new UnauthorizedError(`created_at is more than ${limits.httpAuthSecondsMax} seconds from now`);
    return now;
  }

  #use(event: NostrEvent): void {
    const { id, created_at } = event;
    // A body may be long in coming: longer than what was used is remembered.
    const now = this.#checkAge(event);
    if (now > this.#sweptAt) this.#sweep(now);
    if (this.#used.has(id)) throw new UnauthorizedError('this authorization was used before; sign anew');
    if (reaches('httpAuthsRememberedMax', this.#used.size))
      throw new UnauthorizedError('too many requests in a minute; wait');
    this.#used.set(id, created_at + limits.httpAuthSecondsMax);
  }

  /** Once a second at most: there may be very many. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [used, staleAt] of this.#used) if (staleAt < now) this.#used.delete(used);
  }
}

function eventIn(header: string | undefined): NostrEvent {
  const [, encoded] = /^Nostr ([A-Za-z0-9+/_=-]+)$/.exec(header ?? '') ?? [];
  if (encoded === undefined)
    throw new UnauthorizedError('an authorization is needed: Nostr and an event in base64 (NIP-98)');
  try {
    return parseEvent(parseBoundedJson(Buffer.from(encoded, 'base64').toString('utf8')));
  } catch {
    throw new UnauthorizedError('the authorization is no event in base64 (NIP-98)');
  }
}
