import { randomBytes } from 'node:crypto';
import type { Verifier } from '../../admission/verification/verifier.js';
import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { Faults } from '../../lib/faults.js';
import { firstTagValue, type NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import { authFrame, okFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';

export type AuthenticationServices = {
  readonly verifier: Pick<Verifier, 'verify'>;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Whether a relay URL is one of ours. */
  readonly isOwnUrl: (url: string) => boolean;
};

/**
 * NIP-42 towards one client: challenges it when it wants what only an author may do, and holds as whom it has
 * authenticated. A client that wants nothing of the kind is not asked who it is.
 */
export class ClientAuthentication {
  readonly #services: AuthenticationServices;
  readonly #outbox: Outbox;
  readonly #pubkeys = new Set<string>();
  #challenge: string | undefined;
  #isVerifying = false;

  constructor(services: AuthenticationServices, outbox: Outbox) {
    this.#services = services;
    this.#outbox = outbox;
  }

  /** Whether the client has shown that it holds the key. */
  has(pubkey: string): boolean {
    return this.#pubkeys.has(pubkey);
  }

  /** Why the client may not do what only `pubkey` may; `undefined` when it may. Challenges it where that can help. */
  refusalFor(pubkey: string): string | undefined {
    if (this.has(pubkey)) return undefined;
    this.challenge();
    const prefix = this.#pubkeys.size === 0 ? 'auth-required' : 'restricted';
    return `${prefix}: this event may only be published by its author; authenticate as them (NIP-42)`;
  }

  /** Sends the challenge of this connection, which stays the same; the client may have missed what it was for. */
  challenge(): void {
    this.#challenge ??= randomBytes(16).toString('hex');
    this.#outbox.send(authFrame(this.#challenge));
  }

  /** Takes the client's AUTH and answers it with OK. Never rejects. */
  async authenticate(event: NostrEvent): Promise<void> {
    const reason = this.#wrongWith(event) ?? (await this.#verify(event));
    if (reason === undefined) this.#pubkeys.add(event.pubkey);
    this.#outbox.send(okFrame(event.id, reason === undefined, reason ?? ''));
  }

  #wrongWith(event: NostrEvent): string | undefined {
    const aheadSeconds = Math.abs(event.created_at - unixSeconds(this.#services.clock));
    if (event.kind !== kinds.clientAuthentication) return 'invalid: the kind of an AUTH event is 22242';
    if (this.#challenge === undefined) {
      this.challenge();
      return 'auth-required: the challenge of this connection comes only now; answer that';
    }
    if (firstTagValue(event, 'challenge') !== this.#challenge) {
      return 'invalid: that is not the challenge of this connection';
    }
    if (!this.#services.isOwnUrl(firstTagValue(event, 'relay') ?? ''))
      return 'invalid: that is not the URL of this relay';
    if (exceeds('authAgeSecondsMax', aheadSeconds)) return 'invalid: created_at is too far from now';
    if (reaches('clientPubkeysMax', this.#pubkeys.size) && !this.has(event.pubkey)) {
      return `restricted: at most ${limits.clientPubkeysMax} keys on one connection`;
    }
    if (this.#isVerifying) return 'rate-limited: wait for the answer to the AUTH before';
    return undefined;
  }

  async #verify(event: NostrEvent): Promise<string | undefined> {
    this.#isVerifying = true;
    try {
      const { verdicts } = await this.#services.verifier.verify([event]);
      return verdicts[0] === 'valid' ? undefined : 'invalid: the id or the signature is wrong';
    } catch (error) {
      this.#services.faults.note('client', error);
      return 'error: the signature could not be checked';
    } finally {
      this.#isVerifying = false;
    }
  }
}
