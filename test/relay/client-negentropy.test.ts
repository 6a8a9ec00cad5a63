import { nip77 } from 'nostr-tools';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KernelMemoryError } from '../../src/kernels/errors.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { deferred } from '../../src/lib/abort.js';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { ClientSession } from '../../src/relay/client/client-session.js';
import { fixedRelaySettings } from '../../src/relay/settings.js';
import type { LocalSet } from '../../src/store/sets/local-set.js';
import { FakeOutbox, plainEvent, sessionWorld, type WorldOptions } from './fakes.js';

async function filled(count: number, options: WorldOptions = {}) {
  const world = sessionWorld(options);
  for (let number = 1; number <= count; number += 1) await world.store.put(plainEvent(number)).written;
  return { ...world, ...world.client() };
}

function peer(events: readonly NostrEvent[]): nip77.Negentropy {
  const storage = new nip77.NegentropyStorageVector();
  for (const { created_at, id } of events) storage.insert(created_at, id);
  storage.seal();
  return new nip77.Negentropy(storage);
}

const opening = peer([]).initiate();
const slots = fixedRelaySettings.negentropySlots;

it('refuses a limit, which would have to be obeyed', async () => {
  const world = sessionWorld();
  const { send, outbox } = world.client();
  send('NEG-OPEN', 'a', { kinds: [1], limit: 10 }, '6100');
  await world.settle();
  expect(outbox.frames).toEqual([['NEG-ERR', 'a', expect.stringMatching(/^invalid: .*limit/)]]);
});

describe('negentropy', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([
    ['reference', createReferenceKernels],
    ['wasm', createWasmKernels],
  ])(
    'reconciles with an independent client over the %s kernels, and gives the memory back',
    async (_name, make) => {
      const kernels = make();
      const { send, outbox, settle, hub } = await filled(300, { kernels });
      const before = kernels.memory().bytesInUse;
      const client = peer([...Array(250).keys()].map((number) => plainEvent(number + 100)));
      const need: string[] = [];
      const have: string[] = [];
      send('NEG-OPEN', 'n', { kinds: [1] }, client.initiate());
      for (;;) {
        await settle();
        const [type, id, payload] = outbox.frames.at(-1) ?? ['nothing'];
        expect([type, id]).toEqual(['NEG-MSG', 'n']);
        const next = client.reconcile(
          payload as string,
          (found) => have.push(found),
          (missing) => need.push(missing),
        );
        if (next === null) break;
        send('NEG-MSG', 'n', next);
      }
      send('NEG-CLOSE', 'n');
      await settle();
      expect(need.sort()).toEqual([...Array(99).keys()].map((number) => plainEvent(number + 1).id).sort());
      expect(have.sort()).toEqual([...Array(49).keys()].map((number) => plainEvent(number + 301).id).sort());
      expect(kernels.memory().bytesInUse).toBe(before);
      expect(hub.size).toBe(0);
    },
  );

  it('knows no session that was not opened, or was closed', async () => {
    const { send, outbox, settle } = await filled(1);
    send('NEG-MSG', 'n', opening);
    send('NEG-OPEN', 'n', {}, opening);
    send('NEG-CLOSE', 'n');
    send('NEG-MSG', 'n', opening);
    await settle();
    const error = ['NEG-ERR', 'n', expect.stringMatching(/^closed: /)];
    expect(outbox.frames).toEqual([error, ['NEG-MSG', 'n', expect.any(String)], error]);
  });

  it.each(['6', 'zz', '61ff', '610000'])('ends the session at the malformed message %s', async (payload) => {
    const { send, outbox, settle, kernels } = await filled(1);
    send('NEG-OPEN', 'n', {}, opening);
    send('NEG-MSG', 'n', payload);
    send('NEG-MSG', 'n', opening);
    await settle();
    expect(outbox.frames.map(([type]) => type)).toEqual(['NEG-MSG', 'NEG-ERR', 'NEG-ERR']);
    expect(outbox.frames[1]?.[2]).toMatch(/^invalid: /);
    expect(kernels.memory().bytesInUse).toBe(createReferenceKernels().memory().bytesInUse);
  });

  it('takes messages of what is not open, or was closed, as requests, and those of sessions without counting them', async () => {
    const world = await filled(1, { accounts: { requestsPerMinuteMax: 4 } });
    const { send, outbox } = world.client('192.0.2.1');
    send('NEG-OPEN', 'n', {}, opening);
    for (let count = 0; count < 5; count += 1) send('NEG-MSG', 'n', opening);
    send('NEG-CLOSE', 'n');
    for (let count = 0; count < 4; count += 1) send('NEG-MSG', 'n', opening);
    await world.settle();
    expect(outbox.ofType('NEG-MSG')).toHaveLength(6);
    expect(outbox.ofType('NEG-ERR').map(([, , reason]) => String(reason).split(':')[0])).toEqual([
      'closed',
      'closed',
      'closed',
      'rate-limited',
    ]);
    expect(world.accounts.refusals.get('request')).toBe(1);
  });

  it('answers another version with its own', async () => {
    const { send, outbox, settle } = await filled(1);
    send('NEG-OPEN', 'n', {}, '62');
    await settle();
    expect(outbox.frames).toEqual([['NEG-MSG', 'n', '61']]);
  });

  it('refuses a set above the limit and says which', async () => {
    const { send, outbox, settle } = await filled(3, { settings: { negentropyItemsMax: 2 } });
    send('NEG-OPEN', 'n', {}, opening);
    send('NEG-OPEN', 'm', { ids: [plainEvent(1).id] }, opening);
    await settle();
    expect(outbox.frames).toEqual([
      ['NEG-ERR', 'n', 'blocked: too many query results', 2],
      ['NEG-MSG', 'm', expect.any(String)],
    ]);
  });

  it('refuses what does not fit in the memory of the kernels', async () => {
    const kernels = createReferenceKernels();
    const { send, outbox, settle } = await filled(1, { kernels });
    vi.spyOn(kernels, 'createRecordSet').mockImplementation(() => {
      throw new KernelMemoryError(40, 0);
    });
    send('NEG-OPEN', 'n', {}, opening);
    await settle();
    expect(outbox.frames).toEqual([['NEG-ERR', 'n', 'blocked: too many query results', expect.any(Number)]]);
  });

  it('lets sessions wait that are too many at once, and answers each in the end', async () => {
    const world = await filled(1, { settings: { negentropySlots: { ...slots, clientSessionsMax: 2 } } });
    const ids = Array.from({ length: 14 }, (_, number) => `filter-${number}`);
    for (const id of ids) world.send('NEG-OPEN', id, { kinds: [1] }, opening);
    await world.settle();
    expect(world.outbox.frames).toHaveLength(2);
    for (let answered = 0; answered < ids.length; answered += 1) {
      world.send('NEG-CLOSE', world.outbox.frames[answered]?.[1]);
      await world.settle();
    }
    expect(world.outbox.ofType('NEG-ERR')).toEqual([]);
    expect(world.outbox.ofType('NEG-MSG').map(([, id]) => id)).toEqual(ids);
    expect([world.services.negentropySlots.open, world.services.memory.bytes]).toEqual([0, 0]);
  });

  it('takes one place where an idle session of the same client gives way', async () => {
    const world = await filled(1, { settings: { negentropySlots: { ...slots, clientSessionsMax: 2 } } });
    const { negentropySlots } = world.services;
    for (const id of ['a', 'b']) world.send('NEG-OPEN', id, { kinds: [1] }, opening);
    await world.clock.advance(slots.yieldMs);
    world.send('NEG-OPEN', 'c', { kinds: [1] }, opening);
    await world.settle();
    expect(world.outbox.frames.map(([type, id]) => [type, id])).toEqual([
      ['NEG-MSG', 'a'],
      ['NEG-MSG', 'b'],
      ['NEG-ERR', 'a'],
      ['NEG-MSG', 'c'],
    ]);
    expect([negentropySlots.open, negentropySlots.waiting]).toEqual([2, 0]);
    for (const id of ['b', 'c']) world.send('NEG-CLOSE', id);
    await world.settle();
    expect([negentropySlots.open, negentropySlots.waiting]).toEqual([0, 0]);
  });

  it('refuses sessions when too many wait, and forgets one that is closed while it waits', async () => {
    const settings = { negentropySlots: { ...slots, clientSessionsMax: 1, clientWaitingMax: 1 } };
    const world = await filled(1, { settings });
    for (const id of ['a', 'b', 'c']) world.send('NEG-OPEN', id, {}, opening);
    await world.settle();
    world.send('NEG-CLOSE', 'b');
    world.send('NEG-MSG', 'b', opening);
    world.send('NEG-OPEN', 'd', {}, opening);
    world.send('NEG-CLOSE', 'a');
    await world.settle();
    expect(world.outbox.frames).toEqual([
      ['NEG-ERR', 'c', expect.stringMatching(/^rate-limited: /)],
      ['NEG-MSG', 'a', expect.any(String)],
      ['NEG-ERR', 'b', expect.stringMatching(/^closed: /)],
      ['NEG-MSG', 'd', expect.any(String)],
    ]);
  });

  it('lets nobody sit on the sessions of all clients by a message without questions now and then', async () => {
    const world = await filled(1);
    const sitting = Array.from({ length: slots.sessionsMax / 8 }, () => world.client());
    const empty = '61';
    for (let number = 0; number < 8; number += 1) {
      for (const { send } of sitting) send('NEG-OPEN', `s${number}`, { ids: [] }, empty);
      await world.settle();
    }
    expect(world.services.negentropySlots.open).toBe(slots.sessionsMax);
    // At once, from one that has most.
    world.send('NEG-OPEN', 'n', {}, opening);
    await world.settle();
    expect(world.outbox.frames).toEqual([['NEG-MSG', 'n', expect.any(String)]]);
    const told = sitting.flatMap(({ outbox }) => outbox.ofType('NEG-ERR'));
    expect(told).toEqual([['NEG-ERR', 's0', expect.stringMatching(/^closed: /)]]);
    // And all of them in a minute, whatever they send.
    for (let half = 0; half < 2; half += 1) {
      await world.clock.advance(world.settings.negentropyIdleMsMax / 2);
      for (const { send } of sitting) send('NEG-MSG', 's7', empty);
    }
    await world.settle();
    expect(world.services.negentropySlots.open).toBe(0);
  });

  it('lets a session wait while the others of its client hold its share of kernel memory', async () => {
    const shares = { totalBytes: 100_000, groupBytes: 100_000, holderBytes: 20_000 };
    const negentropyMemory = new MemoryBudget(shares);
    const world = await filled(300, { negentropyMemory });
    for (const id of ['a', 'b']) world.send('NEG-OPEN', id, { kinds: [1] }, opening);
    world.send('NEG-OPEN', 'small', { ids: [plainEvent(1).id] }, opening);
    await world.settle();
    expect(world.outbox.frames.map(([type, id]) => [type, id])).toEqual([
      ['NEG-MSG', 'a'],
      ['NEG-MSG', 'small'],
    ]);
    world.send('NEG-CLOSE', 'a');
    await world.settle();
    expect(world.outbox.frames.slice(2)).toEqual([['NEG-MSG', 'b', expect.any(String)]]);
    for (let number = 301; number <= 400; number += 1) await world.store.put(plainEvent(number)).written;
    for (const id of ['small', 'b']) world.send('NEG-CLOSE', id);
    world.send('NEG-OPEN', 'c', { kinds: [1] }, opening);
    await world.settle();
    // Alone it does not fit either: it is for the client to ask for less.
    expect(world.outbox.frames.slice(3)).toEqual([['NEG-ERR', 'c', 'blocked: too many query results', 357]]);
    expect(negentropyMemory.bytes).toBe(0);
  });

  it('ends the sessions of the client that holds the most kernel memory for one that holds less', async () => {
    const shares = { totalBytes: 45_000, groupBytes: 45_000, holderBytes: 40_000 };
    const world = await filled(500, { negentropyMemory: new MemoryBudget(shares) });
    world.send('NEG-OPEN', 'large', { kinds: [1] }, opening);
    await world.settle();
    const other = world.client();
    const ids = Array.from({ length: 400 }, (_, at) => plainEvent(at + 1).id);
    other.send('NEG-OPEN', 'n', { ids }, opening);
    await world.settle();
    expect(other.outbox.frames).toEqual([['NEG-MSG', 'n', expect.any(String)]]);
    expect(world.outbox.frames.slice(1)).toEqual([
      ['NEG-ERR', 'large', expect.stringMatching(/^rate-limited: /)],
    ]);
    world.send('NEG-OPEN', 'again', { ids: ids.slice(0, 10) }, opening);
    await world.settle();
    expect(world.outbox.frames[2]?.[0]).toBe('NEG-MSG');
  });

  it('closes a session that is idle', async () => {
    const { send, outbox, settle, clock } = await filled(1, { settings: { negentropyIdleMsMax: 1_000 } });
    send('NEG-OPEN', 'n', {}, opening);
    await clock.advance(900);
    send('NEG-MSG', 'n', opening);
    await clock.advance(900);
    expect(outbox.frames).toHaveLength(2);
    await clock.advance(100);
    expect(outbox.frames.at(-1)).toEqual(['NEG-ERR', 'n', expect.stringMatching(/^closed: /)]);
    send('NEG-MSG', 'n', opening);
    await settle();
    expect(outbox.frames.at(-1)?.[0]).toBe('NEG-ERR');
  });

  it('deals with what comes while a session is being opened in its order', async () => {
    const world = sessionWorld();
    for (let number = 1; number <= 3; number += 1) await world.store.put(plainEvent(number)).written;
    const gates = [deferred<void>(), deferred<void>()];
    const opened: unknown[] = [];
    const { localSets } = world.services;
    const services = {
      ...world.services,
      localSets: {
        async open(...[filter, ...rest]: Parameters<typeof localSets.open>) {
          opened.push(filter);
          await gates[opened.length - 1]?.promise;
          return await localSets.open(filter, ...rest);
        },
        isStanding: (set: LocalSet) => localSets.isStanding(set),
        makingBytes: localSets.makingBytes,
      },
    };
    const outbox = new FakeOutbox();
    using session = new ClientSession(services, outbox, 'local', () => {});
    const send = (...message: unknown[]) => session.receive(JSON.stringify(message));
    send('NEG-OPEN', 'n', { kinds: [1] }, opening);
    send('NEG-CLOSE', 'n');
    send('NEG-MSG', 'n', opening);
    send('NEG-OPEN', 'n', { kinds: [2] }, opening);
    send('NEG-MSG', 'n', 'zz');
    await world.settle();
    expect([opened, outbox.frames]).toEqual([[{ kinds: [1] }], []]);
    gates[0]?.resolve();
    await world.settle();
    const closed = ['NEG-ERR', 'n', expect.stringMatching(/^closed: /)];
    const answer = ['NEG-MSG', 'n', expect.any(String)];
    expect([opened.length, outbox.frames]).toEqual([2, [answer, closed]]);
    gates[1]?.resolve();
    await world.settle();
    expect(outbox.frames).toEqual([
      answer,
      closed,
      answer,
      ['NEG-ERR', 'n', expect.stringMatching(/^invalid/)],
    ]);
  });

  it('gives all back when the client leaves while a session is being opened', async () => {
    const world = await filled(1);
    const before = world.kernels.memory().bytesInUse;
    world.send('NEG-OPEN', 'n', {}, opening);
    await Promise.resolve();
    world.session[Symbol.dispose]();
    await world.settle();
    expect(world.kernels.memory().bytesInUse).toBe(before);
    expect(world.services.negentropySlots.open).toBe(0);
  });
});
