import type { NostrEvent } from '../../src/nostr/event.js';
import { Identity } from '../../src/nostr/keys.js';

/** A throw-away key whose secret is the same in every run. */
export function testIdentity(number: number): Identity {
  const secret = new Uint8Array(32);
  new DataView(secret.buffer).setUint32(28, number + 1);
  return new Identity(secret);
}

/** A signed event with small defaults. */
export function signedEvent(
  identity: Identity,
  template: Partial<Pick<NostrEvent, 'kind' | 'created_at' | 'tags' | 'content'>> = {},
): NostrEvent {
  return identity.sign({ kind: 1, created_at: 1_700_000_000, tags: [], content: '', ...template });
}
