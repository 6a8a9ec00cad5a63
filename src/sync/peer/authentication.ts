import { limits } from '../../config/limits.js';
import { type Deferred, deferred, TimeLimitError, withTimeLimit } from '../../lib/abort.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { Identity } from '../../nostr/keys.js';
import { kinds } from '../../nostr/kinds.js';
import type { RelayMessage } from '../../nostr/message.js';
import { AccessDeniedError, PeerGoneError } from '../errors.js';

type Verdict = { readonly accepted: boolean; readonly reason: string };

/** Authenticates us to one remote on one connection (NIP-42): answers its challenge when it asks us to. */
export class Authentication {
  readonly #relay: string;
  readonly #clock: Clock;
  readonly #identity: Identity | undefined;
  readonly #send: (message: readonly unknown[]) => void;
  #challenge = deferred<string>();
  #attempt: Promise<void> | undefined;
  #isUnderWay = false;
  #pending: { readonly eventId: string; readonly verdict: Deferred<Verdict> } | undefined;

  constructor(parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly identity: Identity | undefined;
    readonly send: (message: readonly unknown[]) => void;
  }) {
    this.#relay = parts.relay;
    this.#clock = parts.clock;
    this.#identity = parts.identity;
    this.#send = parts.send;
  }

  /**
   * Resolves when the remote accepted our authentication; all who need it share one attempt. Rejects with
   * `AccessDeniedError` when it did not, when it sent no challenge, or when we have no key.
   */
  async ensure(): Promise<void> {
    if (this.#attempt === undefined) {
      this.#isUnderWay = true;
      this.#attempt = this.#authenticate().finally(() => {
        this.#isUnderWay = false;
      });
    }
    await this.#attempt;
  }

  /** A new challenge: what was answered before counts no more, so the next `ensure` answers again. */
  onChallenge(challenge: string): void {
    this.#challenge.resolve(challenge);
    this.#challenge = deferred();
    this.#challenge.resolve(challenge);
    if (!this.#isUnderWay) this.#attempt = undefined;
  }

  /** False when it answers nothing that we sent. */
  onOk(message: Extract<RelayMessage, { type: 'OK' }>): boolean {
    if (this.#pending === undefined || message.eventId !== this.#pending.eventId) return false;
    this.#pending.verdict.resolve(message);
    return true;
  }

  /** The connection ended. */
  end(): void {
    const gone = new PeerGoneError(this.#relay);
    this.#challenge.reject(gone);
    this.#pending?.verdict.reject(gone);
  }

  async #authenticate(): Promise<void> {
    if (this.#identity === undefined) throw new AccessDeniedError(this.#relay, 'no key to authenticate with');
    const challenge = await this.#within('its challenge', this.#challenge.promise);
    const event = this.#identity.sign({
      kind: kinds.clientAuthentication,
      created_at: unixSeconds(this.#clock),
      tags: [
        ['relay', this.#relay],
        ['challenge', challenge],
      ],
      content: '',
    });
    const verdict = deferred<Verdict>();
    this.#pending = { eventId: event.id, verdict };
    this.#send(['AUTH', event]);
    const { accepted, reason } = await this.#within('its answer to AUTH', verdict.promise);
    if (!accepted) throw new AccessDeniedError(this.#relay, reason);
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    try {
      return await withTimeLimit(this.#clock, what, limits.remoteAuthMsMax, work);
    } catch (error) {
      if (error instanceof TimeLimitError) throw new AccessDeniedError(this.#relay, error.message);
      throw error;
    }
  }
}
