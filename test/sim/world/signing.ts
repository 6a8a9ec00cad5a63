import { createHash } from 'node:crypto';
import type { NostrEvent } from '../../../src/nostr/event.js';

export type EventTemplate = Pick<NostrEvent, 'pubkey' | 'created_at' | 'kind' | 'tags' | 'content'>;

/**
 * An event as its author would sign it. Ids are real; the signature is a plain function of the id, for 100,000 real
 * ones would take minutes. What checks signatures in the simulated daemon knows the same function.
 */
export function signed(template: EventTemplate): NostrEvent {
  const { pubkey, created_at, kind, tags, content } = template;
  const serialised = JSON.stringify([0, pubkey, created_at, kind, tags, content]);
  const id = createHash('sha256').update(serialised, 'utf8').digest('hex');
  return { id, pubkey, created_at, kind, tags, content, sig: signatureOf(id) };
}

/** The same event with a signature that does not hold. */
export function withBadSignature(event: NostrEvent): NostrEvent {
  return { ...event, sig: '0'.repeat(128) };
}

/** The one valid signature of an id in the simulated world. */
export function signatureOf(id: string): string {
  return id.slice(32) + id + id.slice(0, 32);
}
