import { signSchnorr, xOnlyPointFromScalar } from 'tiny-secp256k1';
import { fromHex, toHex } from '../../src/lib/bytes.js';
import { eventHash, type NostrEvent } from '../../src/nostr/event.js';

const noAuxiliaryRandomness = new Uint8Array(32);

/** Signs many events in little time; with the same secret the same event is the same in every run. */
export function quickSigner(secret: Uint8Array) {
  const pubkey = toHex(xOnlyPointFromScalar(secret));
  return (template: Pick<NostrEvent, 'kind' | 'created_at' | 'tags' | 'content'>): NostrEvent => {
    const { kind, created_at, tags, content } = template;
    const event = { id: '', pubkey, created_at, kind, tags, content, sig: '' };
    event.id = eventHash(event);
    event.sig = toHex(signSchnorr(fromHex(event.id), secret, noAuxiliaryRandomness));
    return event;
  };
}
