import { nip77 } from 'nostr-tools';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KernelMemoryError } from '../../src/kernels/errors.js';
import { createReferenceKernels } from '../../src/kernels/reference.js';
import { createWasmKernels } from '../../src/kernels/wasm.js';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { ClientSession } from '../../src/relay/client-session.js';
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

  it('bounds the sessions of a client and of all clients, and frees them', async () => {
    const settings = { clientNegentropySessionsMax: 2, negentropySessionsMax: 3 };
    const world = await filled(1, { settings });
    const other = world.client();
    for (const id of ['a', 'b', 'c']) world.send('NEG-OPEN', id, {}, opening);
    await world.settle();
    expect(world.outbox.ofType('NEG-MSG').map(([, id]) => id)).toEqual(['a', 'b']);
    expect(world.outbox.ofType('NEG-ERR')).toEqual([
      ['NEG-ERR', 'c', expect.stringMatching(/^rate-limited: /)],
    ]);
    for (const id of ['a', 'b']) other.send('NEG-OPEN', id, {}, opening);
    await world.settle();
    expect(other.outbox.frames.map(([type]) => type).sort()).toEqual(['NEG-ERR', 'NEG-MSG']);
    world.session[Symbol.dispose]();
    other.send('NEG-OPEN', 'b', {}, opening);
    await world.settle();
    expect(other.outbox.frames.at(-1)?.[0]).toBe('NEG-MSG');
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
    const others = Array.from({ length: world.settings.negentropySessionsMax }, () =>
      world.services.negentropySlots.take(),
    );
    expect(others).not.toContain(false);
  });
});
