import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { AdmissionOutcome, EventSource } from '../../../src/admission/admission.js';
import { EventFeed } from '../../../src/admission/event-feed.js';
import { LazyAcceptedEvent } from '../../../src/admission/lazy-accepted-event.js';
import { limits } from '../../../src/config/limits.js';
import { FollowerLink } from '../../../src/daemon/nodes/links/follower-link.js';
import { FollowerLinks, followersFirst } from '../../../src/daemon/nodes/links/follower-links.js';
import type { WriterMessage } from '../../../src/daemon/nodes/links/node-messages.js';
import { type WriterAddress, WriterLink } from '../../../src/daemon/nodes/links/writer-link.js';
import { type Deferred, deferred } from '../../../src/lib/abort.js';
import { type Clock, systemClock } from '../../../src/lib/clock.js';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { freeAccounts } from '../../support/accounts.js';
import { eventually } from '../../support/eventually.js';
import { silentFaults } from '../../support/faults.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const author = new QuickSigner(new Uint8Array(32).fill(1));
const signed = (kind: number, content: string) =>
  author.sign({ kind, created_at: 1_700_000_000, tags: [], content });
const numbered = (number: number) => signed(1, String(number));
const direct: EventSource = {
  type: 'direct',
  address: { group: '192.0.2.7', takeStrangerEvent: () => undefined },
};

type Taken = {
  readonly event: NostrEvent;
  readonly source: EventSource;
  readonly answer: Deferred<AdmissionOutcome>;
};

/** One that writes, whose admission answers when the test says so, and its port. */
async function serveWriter(port = 0, secret = 'secret') {
  const taken: Taken[] = [];
  const blocked = new Map<string, { reason: string; sinceSeconds: number }>();
  const feed = new EventFeed({ attempt: (_id, step) => step() }, 0);
  const room = { wait: Promise.resolve() };
  const registry = new Registry();
  const links = new FollowerLinks({
    secret,
    admission: {
      feed,
      waitForCapacity: () => room.wait,
      submit(event, source) {
        const answer = deferred<AdmissionOutcome>();
        taken.push({ event, source, answer });
        return answer.promise;
      },
    },
    accounts: freeAccounts(),
    moderationLists: { entries: () => blocked },
    registry,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    faults: silentFaults(),
  });
  const clients: string[] = [];
  const take = followersFirst(links, (request) => {
    clients.push(String(request.url));
    return { status: 503, reason: 'none' };
  });
  const http = createServer();
  const refusals: number[] = [];
  http.on('upgrade', (request, stream, head) => {
    const refusal = take(request, stream, head, 'local');
    if (refusal === undefined) return;
    refusals.push(refusal.status);
    stream.end(`HTTP/1.1 ${refusal.status} No\r\n\r\n`);
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  const address = { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, secret };
  return {
    ...{ taken, feed, room, blocked, links, refusals, clients, address },
    followers: async () => (await registry.getSingleMetric('ngit_followers')?.get())?.values[0]?.value,
    async [Symbol.asyncDispose]() {
      await links.close();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function follow(stack: ReleaseStack, address: WriterAddress, clock: Clock = systemClock) {
  const messages: WriterMessage[] = [];
  const link = new WriterLink(address, {
    url: 'http://192.0.2.1:7334',
    clock,
    faults: silentFaults(),
    onMessage: (message) => messages.push(message),
  });
  stack.defer(() => link[Symbol.dispose]());
  return { link, messages };
}

describe('one that follows and one that writes', () => {
  it('pass events on with the address of their clients, and what became of each', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link } = follow(stack, writer.address);
    const outcomes = [1, 2].map((number) => link.submit(numbered(number), direct));
    await eventually(() => writer.taken.length === 2);
    expect(writer.taken[0]?.source).toMatchObject({ type: 'direct', address: { group: '192.0.2.7' } });
    // In another order than they came in.
    writer.taken[1]?.answer.resolve({ type: 'refused', reason: 'blocked: no' });
    writer.taken[0]?.answer.resolve({ type: 'stored' });
    expect(await Promise.all(outcomes)).toEqual([
      { type: 'stored' },
      { type: 'refused', reason: 'blocked: no' },
    ]);
  });

  it('tell of what was written, passed on and blocked', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    writer.blocked.set('192.0.2.0/24', { reason: '', sinceSeconds: 1 });
    const { messages } = follow(stack, writer.address);
    await eventually(() => messages.some(({ type }) => type === 'blocked'));
    expect(messages).toEqual([
      { type: 'written', sequence: 0 },
      { type: 'blocked', networks: ['192.0.2.0/24'] },
    ]);
    const [stored, passing] = [numbered(1), numbered(2)];
    for (const sequence of [3, 4])
      writer.feed.emitAccepted(new LazyAcceptedEvent(stored, { type: 'direct' }, sequence));
    writer.feed.emitAccepted(new LazyAcceptedEvent(passing, { type: 'direct' }, undefined));
    await eventually(() => messages.length === 4);
    // Both in one message.
    expect(messages.slice(2)).toEqual([
      { type: 'ephemeral', event: passing },
      { type: 'written', sequence: 4 },
    ]);
  });

  it('know of each other where the one is reached, since when, and how far it is behind', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link, messages } = follow(stack, writer.address);
    await eventually(() => messages.length === 2);
    const [follower] = writer.links.followers;
    expect(follower).toMatchObject({ url: 'http://192.0.2.1:7334', behind: { events: 0, ms: 0 } });
    expect(follower?.sinceMs).toBeLessThanOrEqual(Date.now());
    expect(link.sinceMs).toBeLessThanOrEqual(Date.now());
    writer.feed.emitAccepted(new LazyAcceptedEvent(numbered(1), { type: 'direct' }, 3));
    await eventually(() => follower?.behind.events === 3);
    link.tellServed(3);
    await eventually(() => follower?.behind.events === 0);
    link[Symbol.dispose]();
    await eventually(() => writer.links.followers.length === 0);
    expect(link.sinceMs).toBeUndefined();
  });

  it('send again what had no answer when the connection was lost, to whoever writes then', async () => {
    await using stack = new ReleaseStack();
    const first = await serveWriter();
    const { link } = follow(stack, first.address);
    const outcome = link.submit(numbered(1), direct);
    await eventually(() => first.taken.length === 1);
    await first[Symbol.asyncDispose]();
    const second = stack.use(await serveWriter());
    link.moveTo(second.address);
    await eventually(() => second.taken.length === 1);
    second.taken[0]?.answer.resolve({ type: 'known', reason: 'duplicate: stored already' });
    expect(await outcome).toEqual({ type: 'known', reason: 'duplicate: stored already' });
  });

  it('send nothing again that is passed on and not stored: who listens would have it twice', async () => {
    await using stack = new ReleaseStack();
    const first = await serveWriter();
    const { link } = follow(stack, first.address);
    const sent = link.submit(signed(20_001, ''), direct);
    await eventually(() => first.taken.length === 1);
    await first[Symbol.asyncDispose]();
    const waiting = link.submit(signed(20_002, ''), direct);
    const second = stack.use(await serveWriter());
    link.moveTo(second.address);
    expect(await sent).toMatchObject({ type: 'failed' });
    await eventually(() => second.taken.length === 1);
    second.taken[0]?.answer.resolve({ type: 'ephemeral' });
    expect(await waiting).toEqual({ type: 'ephemeral' });
  });

  it('take nobody without the secret, and leave other clients to the relay', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link } = follow(stack, { ...writer.address, secret: 'guess!' });
    await eventually(() => writer.refusals.length >= 2);
    expect(new Set(writer.refusals)).toEqual(new Set([403]));
    expect(link.isOpen).toBe(false);
    expect(writer.clients).toEqual([]);
    const client = new WebSocket(writer.address.url.replace(/^http/, 'ws'));
    client.on('error', () => {});
    await eventually(() => writer.clients.length > 0);
    expect(writer.clients).toEqual(['/']);
  });

  it('are refused where nobody is followed, and leave it to the relay to take clients', () => {
    const taken: unknown[] = [];
    const upgrade = followersFirst(undefined, (request) => {
      taken.push(request);
      return undefined;
    });
    const node = { headers: { 'graspd-node': 'secret' } } as never;
    const client = { headers: {} } as never;
    const [stream, head] = [undefined as never, undefined as never];
    expect(upgrade(node, stream, head, 'local')).toMatchObject({ status: 503 });
    expect(upgrade(client, stream, head, 'local')).toBeUndefined();
    expect(taken).toEqual([client]);
  });

  it('are connected no more when one has ended, also where another writes by then', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link } = follow(stack, { url: 'http://127.0.0.1:1', secret: 'none' });
    link[Symbol.dispose]();
    link.moveTo(writer.address);
    expect(link.isOpen).toBe(false);
    const { link: other } = follow(stack, writer.address);
    await eventually(() => other.isOpen);
    expect(await writer.followers()).toBe(1);
  });

  it('wait for room: one that has none is sent no more than may be on its way', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link } = follow(stack, writer.address);
    const outcomes = Array.from({ length: limits.nodeEventsInFlightMax }, (_, at) =>
      link.submit(numbered(at), direct),
    );
    let hasRoom = false;
    const room = link.waitForCapacity().then(() => {
      hasRoom = true;
    });
    await eventually(() => writer.taken.length === limits.nodeEventsInFlightMax);
    expect(hasRoom).toBe(false);
    for (const { answer } of writer.taken) answer.resolve({ type: 'stored' });
    await room;
    expect(await Promise.all(outcomes)).toHaveLength(limits.nodeEventsInFlightMax);
  });

  it('read nothing more while the one that writes has no room', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link, messages } = follow(stack, writer.address);
    await eventually(() => messages.length === 2);
    const room = deferred<void>();
    writer.room.wait = room.promise;
    void link.submit(numbered(1), direct);
    await eventually(() => writer.taken.length === 1);
    void link.submit(numbered(2), direct);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(writer.taken).toHaveLength(1);
    room.resolve();
    await eventually(() => writer.taken.length === 2);
  });

  it('refuse what is no event, and go on with the others', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const { link } = follow(stack, writer.address);
    const wrong = link.submit({ ...numbered(1), id: 'none' }, direct);
    const right = link.submit(numbered(2), direct);
    expect(await wrong).toMatchObject({ type: 'refused', reason: expect.stringMatching(/^invalid: /) });
    await eventually(() => writer.taken.length === 1);
    writer.taken[0]?.answer.resolve({ type: 'stored' });
    expect(await right).toEqual({ type: 'stored' });
  });

  it('are as many as may follow, and no more', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const all = Array.from({ length: limits.followersMax }, () => follow(stack, writer.address).link);
    await eventually(() => all.every(({ isOpen }) => isOpen));
    expect(writer.refusals).toEqual([]);
    follow(stack, writer.address);
    await eventually(() => writer.refusals.length > 0);
    expect(new Set(writer.refusals)).toEqual(new Set([503]));
  });

  it('end with one that does not read what it is sent', () => {
    const ended: string[] = [];
    const socket = {
      bufferedAmount: limits.nodeSendBytesMax - 1,
      on: () => {},
      send: (frame: string) => ended.push(frame),
      terminate: () => ended.push('ended'),
    };
    const parts = { admission: {}, accounts: freeAccounts(), clock: systemClock, faults: silentFaults() };
    const link = new FollowerLink(socket as never, undefined, parts as never);
    link.send('a');
    socket.bufferedAmount += 1;
    link.send('b');
    expect(ended).toEqual(['a', 'ended']);
  });

  it('give up a connection on which the one that writes says nothing more', async () => {
    await using stack = new ReleaseStack();
    const writer = stack.use(await serveWriter());
    const clock = new VirtualClock();
    const { link, messages } = follow(stack, writer.address, clock);
    await eventually(() => messages.length === 2);
    await clock.advance(limits.nodePatienceMs - 1);
    expect(link.isOpen).toBe(true);
    await clock.advance(1);
    await eventually(() => !link.isOpen);
    await clock.advance(limits.nodeRetryMsMin);
    await eventually(() => messages.length === 4);
  });

  it('say so of an event when nobody has taken it for a while', async () => {
    await using stack = new ReleaseStack();
    const clock = new VirtualClock();
    const { link } = follow(stack, { url: 'http://127.0.0.1:1', secret: 'none' }, clock);
    let outcome: AdmissionOutcome | undefined;
    const submitted = link.submit(numbered(1), direct).then((its) => {
      outcome = its;
    });
    await clock.advance(limits.nodeAnswerMsMax - 1);
    expect(outcome).toBeUndefined();
    await clock.advance(1);
    await submitted;
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/^error: /) });
  });

  it('are told that nobody takes events when the end comes', async () => {
    const { link } = follow(new ReleaseStack(), { url: 'http://127.0.0.1:1', secret: 'none' });
    const outcome = link.submit(numbered(1), direct);
    link[Symbol.dispose]();
    expect(await outcome).toMatchObject({ type: 'failed' });
    expect(await link.submit(numbered(2), direct)).toMatchObject({ type: 'failed' });
  });
});
