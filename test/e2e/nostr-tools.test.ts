import { nip77 } from 'nostr-tools';
import { type EventTemplate, finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { repositoryAddress } from '../../src/nostr/repository.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { expectServed } from '../support/service/expect-served.js';
import { type Service, startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

/** An independent client, as applications use it. */
describe('nostr-tools as the client', () => {
  const owner = testIdentity(1);
  /** What makes an event one of the repository that is announced. */
  const ofRepository = ['a', repositoryAddress(owner.pubkey, 'project')];
  const issuesOf = (author: typeof owner, count: number) =>
    Array.from({ length: count }, (_, number) =>
      signedEvent(author, { kind: 1621, created_at: 1_700_000_000 + number, tags: [ofRepository] }),
    );
  let service: Service;

  beforeAll(async () => {
    useWebSocketImplementation(WebSocket);
    service = await startService({
      flags: ['--archive-all', '--archive-read-only=false', '--client-events-per-minute=0'],
    });
    await publish([signedEvent(owner, { kind: 30617, tags: [['d', 'project']] })]);
  });
  afterAll(() => service[Symbol.asyncDispose]());

  async function publish(events: readonly NostrEvent[]): Promise<void> {
    await using client = await TestClient.connect(service.url);
    const answers = await Promise.all(events.map((event) => client.publish(event)));
    expect(answers.filter(({ accepted }) => !accepted)).toEqual([]);
  }

  async function connect(): Promise<Relay> {
    const relay = new Relay(service.url);
    await relay.connect();
    return relay;
  }

  it('publishes, subscribes and counts', async () => {
    const relay = await connect();
    const author = testIdentity(2);
    const [first, second] = issuesOf(author, 2) as [NostrEvent, NostrEvent];
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
    expect(await relay.count([{ authors: [author.pubkey] }], {})).toBe(2);
    relay.close();
  });

  it('is told why an event is refused', async () => {
    const relay = await connect();
    await expect(
      relay.publish(signedEvent(testIdentity(3), { content: 'about nothing here' })),
    ).rejects.toThrow('blocked: the event neither refers');
    relay.close();
  });

  it('publishes a protected event once it has authenticated as its author, and nobody else does', async () => {
    const [own, others] = [generateSecretKey(), generateSecretKey()];
    const signAs = (secret: Uint8Array) => async (template: EventTemplate) => finalizeEvent(template, secret);
    const event = await signAs(own)({
      kind: 1621,
      created_at: 1_700_000_000,
      tags: [['-'], ofRepository],
      content: '',
    });
    const ofAuthor = [{ authors: [getPublicKey(own)] }];
    const relay = await connect();
    await expect(relay.publish(event)).rejects.toThrow(/^auth-required: /);
    await relay.auth(signAs(others));
    await expect(relay.publish(event)).rejects.toThrow(/^restricted: /);
    expect(await relay.count(ofAuthor, {})).toBe(0);
    relay.close();
    const again = new Relay(service.url);
    // As applications do: whatever challenges is answered.
    again.onauth = signAs(own);
    await again.connect();
    await expect(again.publish(event)).rejects.toThrow(/^auth-required: /);
    await again.auth(signAs(own));
    await again.publish(event);
    expect(await again.count(ofAuthor, {})).toBe(1);
    again.close();
  });

  it('reconciles by NIP-77', async () => {
    const author = testIdentity(4);
    const events = issuesOf(author, 120);
    const filter = { authors: [author.pubkey] };
    await publish(events.slice(0, 90));
    const storage = new nip77.NegentropyStorageVector();
    for (const { created_at, id } of events.slice(30)) storage.insert(created_at, id);
    storage.seal();
    const relay = await connect();
    await expectServed(() => relay.count([filter], {})).toBe(90);
    const [need, have] = [new Set<string>(), new Set<string>()];
    const done = deferred<string | undefined>();
    const sync = new nip77.NegentropySync(relay, storage, filter, {
      onhave: (id) => have.add(id),
      onneed: (id) => need.add(id),
      onclose: (reason) => done.resolve(reason),
    });
    await sync.start();
    expect(await done.promise).toBeUndefined();
    const idsOf = (some: readonly NostrEvent[]) => some.map(({ id }) => id).sort();
    expect([...need].sort()).toEqual(idsOf(events.slice(0, 30)));
    expect([...have].sort()).toEqual(idsOf(events.slice(90)));
    relay.close();
  });
});
