import { createHash } from 'node:crypto';
import { eventHash, type NostrEvent } from '../../../src/nostr/event.js';

export const hex32 = (text: string | number): string =>
  createHash('sha256').update(String(text)).digest('hex');

/** An event with its true id and a made-up signature: the store checks neither. */
export function makeEvent(fields: Partial<NostrEvent> = {}): NostrEvent {
  const event: NostrEvent = {
    id: '',
    pubkey: fields.pubkey ?? hex32('author'),
    created_at: fields.created_at ?? 1_700_000_000,
    kind: fields.kind ?? 1,
    tags: fields.tags ?? [],
    content: fields.content ?? '',
    sig: hex32('sig') + hex32('sig'),
  };
  return { ...event, id: fields.id ?? eventHash(event) };
}
