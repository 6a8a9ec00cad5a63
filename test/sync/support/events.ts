import { eventHash, type NostrEvent } from '../../../src/nostr/event.js';
import { counterFrom } from '../../support/counters/counter.js';
import { ownDomain } from './world.js';

/** Where the virtual clock starts, in seconds. */
export const startSeconds = Date.UTC(2026, 0, 1) / 1000;

const nextNumber = counterFrom(0);

/** A public key that nobody has. */
export function pubkey(number: number): string {
  return (number + 1).toString(16).padStart(64, 'a');
}

/** An event with a true id; `sig` is not looked at, unless it begins with `f`, which is a wrong one. */
export function event(template: Partial<NostrEvent> = {}): NostrEvent {
  const counter = nextNumber();
  const unsigned: NostrEvent = {
    id: '',
    pubkey: pubkey(0),
    created_at: startSeconds - 10_000 + (counter % 9_000),
    kind: 1,
    tags: [],
    content: `${counter}`,
    sig: '0'.repeat(128),
    ...template,
  };
  return { ...unsigned, id: eventHash(unsigned) };
}

export function announcement(
  identifier: string,
  relays: string[],
  template: Partial<NostrEvent> = {},
): NostrEvent {
  return event({
    kind: 30617,
    tags: [
      ['d', identifier],
      ['clone', `https://${ownDomain}/npub/${identifier}.git`],
      ['relays', `wss://${ownDomain}`, ...relays],
    ],
    ...template,
  });
}

export function addressOf(repository: NostrEvent): string {
  return `30617:${repository.pubkey}:${repository.tags[0]?.[1]}`;
}

export function issue(repository: NostrEvent, template: Partial<NostrEvent> = {}): NostrEvent {
  return event({ kind: 1621, tags: [['a', addressOf(repository)]], ...template });
}

export function comment(root: NostrEvent, template: Partial<NostrEvent> = {}): NostrEvent {
  return event({ kind: 1111, tags: [['E', root.id]], ...template });
}
