import { decode, npubEncode, nsecEncode } from 'nostr-tools/nip19';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { GraspError } from '../lib/errors.js';
import type { NostrEvent } from './event.js';

/** A key in NIP-19 form that cannot be read. */
export class InvalidKeyError extends GraspError {
  constructor(what: string) {
    super('invalid_key', `not a valid ${what}`);
  }
}

/** The daemon's own key pair: the secret stays inside. */
export class Identity {
  readonly pubkey: string;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.pubkey = getPublicKey(secret);
  }

  static generate(): Identity {
    return new Identity(generateSecretKey());
  }

  /** Reads an `nsec` (NIP-19). Throws `InvalidKeyError`. */
  static fromNsec(nsec: string): Identity {
    try {
      const decoded = decode(nsec.trim());
      if (decoded.type === 'nsec') return new Identity(decoded.data);
    } catch {
      // The cause would repeat the secret in a log line.
    }
    throw new InvalidKeyError('nsec');
  }

  /** The secret as `nsec`, to be written to the key file only. */
  toNsec(): string {
    return nsecEncode(this.#secret);
  }

  sign(template: Pick<NostrEvent, 'kind' | 'created_at' | 'tags' | 'content'>): NostrEvent {
    const { id, pubkey, created_at, kind, tags, content, sig } = finalizeEvent({ ...template }, this.#secret);
    return { id, pubkey, created_at, kind, tags, content, sig };
  }
}

/** The `npub` (NIP-19) of a public key in hex. */
export function npubOf(pubkey: string): string {
  return npubEncode(pubkey);
}
