import { signSchnorr, xOnlyPointFromScalar } from 'tiny-secp256k1';
import { fromHex, toHex } from '../../src/lib/bytes.js';
import { eventHash, type NostrEvent } from '../../src/nostr/event.js';

/** So that the same event is the same to the last byte in every run. */
const noAuxiliaryRandomness = new Uint8Array(32);

/** Signs many events in little time, for tests and benches. */
export class QuickSigner {
  readonly pubkey: string;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.pubkey = toHex(xOnlyPointFromScalar(secret));
  }

  sign(template: Pick<NostrEvent, 'kind' | 'created_at' | 'tags' | 'content'>): NostrEvent {
    const { kind, created_at, tags, content } = template;
    const event = { id: '', pubkey: this.pubkey, created_at, kind, tags, content, sig: '' };
    event.id = eventHash(event);
    event.sig = toHex(signSchnorr(fromHex(event.id), this.#secret, noAuxiliaryRandomness));
    return event;
  }
}
