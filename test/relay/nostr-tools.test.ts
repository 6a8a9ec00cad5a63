import { nip77 } from 'nostr-tools';
import { type EventTemplate, finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { serveRelay } from './served-relay.js';

/** An independent client, as applications use it. */
describe('nostr-tools as the client', () => {
  const author = testIdentity(1);
  const numbered = (number: number) =>
    signedEvent(author, { created_at: 1_700_000_000 + number, content: `event ${number}` });

  beforeAll(() => useWebSocketImplementation(WebSocket));

  it('publishes, subscribes and counts', async () => {
    await using served = await serveRelay();
    const relay = new Relay(served.url);
    await relay.connect();
    const [first, second] = [numbered(1), numbered(2)];
    await relay.publish(first);
    const received: NostrEvent[] = [];
    const [stored, live] = [deferred<void>(), deferred<void>()];
    relay.subscribe([{ authors: [author.pubkey] }], {
      onevent: (event) => {
        received.push(event);
        if (event.id === second.id) live.resolve();
      },
      oneose: () => stored.resolve(),
    });
    await stored.promise;
    expect(received.map(({ id }) => id)).toEqual([first.id]);
    await relay.publish(second);
    await live.promise;
    expect(await relay.count([{ kinds: [1] }], {})).toBe(2);
    relay.close();
  });

  it('is told why an event is refused', async () => {
    await using served = await serveRelay();
    served.admission.decide = async () => ({ type: 'refused', reason: 'blocked: not today' });
    const relay = new Relay(served.url);
    await relay.connect();
    await expect(relay.publish(numbered(1))).rejects.toThrow('blocked: not today');
    relay.close();
  });

  it('publishes a protected event once it has authenticated as its author, and nobody else does', async () => {
    await using served = await serveRelay();
    const [own, others] = [generateSecretKey(), generateSecretKey()];
    const signAs = (secret: Uint8Array) => async (template: EventTemplate) => finalizeEvent(template, secret);
    const event = await signAs(own)({ kind: 1, created_at: 1_700_000_000, tags: [['-']], content: '' });
    const relay = new Relay(served.url);
    await relay.connect();
    await expect(relay.publish(event)).rejects.toThrow(/^auth-required: /);
    await relay.auth(signAs(others));
    await expect(relay.publish(event)).rejects.toThrow(/^restricted: /);
    expect(served.admission.submitted).toEqual([]);
    relay.close();
    const again = new Relay(served.url);
    // As applications do: whatever challenges is answered.
    again.onauth = signAs(own);
    await again.connect();
    await expect(again.publish(event)).rejects.toThrow(/^auth-required: /);
    await again.auth(signAs(own));
    await again.publish(event);
    expect(served.admission.submitted.map(({ id }) => id)).toEqual([event.id]);
    again.close();
  });

  it('reconciles by NIP-77', async () => {
    await using served = await serveRelay();
    const events = Array.from({ length: 120 }, (_, number) => numbered(number));
    for (const event of events.slice(0, 90)) await served.store.put(event).written;
    const storage = new nip77.NegentropyStorageVector();
    for (const { created_at, id } of events.slice(30)) storage.insert(created_at, id);
    storage.seal();
    const relay = new Relay(served.url);
    await relay.connect();
    const [need, have] = [new Set<string>(), new Set<string>()];
    const done = deferred<string | undefined>();
    const sync = new nip77.NegentropySync(
      relay,
      storage,
      { kinds: [1] },
      {
        onhave: (id) => have.add(id),
        onneed: (id) => need.add(id),
        onclose: (reason) => done.resolve(reason),
      },
    );
    await sync.start();
    expect(await done.promise).toBeUndefined();
    expect([...need].sort()).toEqual(
      events
        .slice(0, 30)
        .map(({ id }) => id)
        .sort(),
    );
    expect([...have].sort()).toEqual(
      events
        .slice(90)
        .map(({ id }) => id)
        .sort(),
    );
    relay.close();
  });
});
