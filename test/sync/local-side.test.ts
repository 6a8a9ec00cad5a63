import { describe, expect, it, vi } from 'vitest';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import type { Filter } from '../../src/nostr/filter.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { KnownSet } from '../../src/store/sets/known-set.js';
import type { LocalSet } from '../../src/store/sets/local-set.js';
import type { CatchupTask } from '../../src/sync/catchup/filter-catchup.js';
import { LocalSide } from '../../src/sync/catchup/local-side.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { addressOf, announcement, event, startSeconds } from './support/events.js';
import { emptyInformation } from './support/fake-relay.js';
import { World } from './support/world.js';

const filter: Filter = { kinds: [1] };
const ends = startSeconds + 1_000;

function taskOf(since = 0, until?: number, of = filter): CatchupTask {
  return { filter: of, range: { since, until }, method: 'negentropy', failures: 0 };
}

/** Events of each second from the start on, every third of them refused; few rows are looked at in a turn. */
function setUp(events: number, bytesMax?: number) {
  const opened = createMemoryStore({ clock: new VirtualClock(), rowsPerTurn: 50 });
  const { store, refused } = opened;
  for (let number = 0; number < events; number += 1) {
    const next = event({ created_at: startSeconds + number });
    if (number % 3 === 0) refused.add(next, 'blocked: for a test');
    else store.put(next);
  }
  const kernels = createWasmKernels(bytesMax === undefined ? {} : { bytesMax });
  const side = new LocalSide({ store, refused, kernels, known: new KnownSet(store, refused, kernels) });
  return { ...opened, kernels, side };
}

const never = new AbortController().signal;
const timesOf = (set: LocalSet | undefined) =>
  Array.from({ length: set?.size ?? 0 }, (_, at) => Number(set?.timestampAt(at)));
const secondsFrom = (since: number, count: number) => Array.from({ length: count }, (_, at) => since + at);

describe('our side of the sessions of one filter', () => {
  it('is collected in turns, what is refused too, and once for all pieces', async () => {
    const { store, refused, kernels, side } = setUp(600);
    const before = kernels.memory().bytesInUse;
    const atOnce = [vi.spyOn(store, 'collect'), vi.spyOn(refused, 'collect')];
    const made = vi.spyOn(kernels, 'createRecordSet');
    let turns = 0;
    const opening = side.open(taskOf(), never);
    let isOpen = false;
    void opening.then(() => {
      isOpen = true;
    });
    for (; !isOpen; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    const whole = await opening;
    expect(turns).toBeGreaterThan(600 / 50);
    expect(timesOf(whole)).toEqual(secondsFrom(startSeconds, 600));
    const pieces = [await side.open(taskOf(0, startSeconds + 99), never)];
    whole?.[Symbol.dispose]();
    pieces.push(await side.open(taskOf(startSeconds + 100), never));
    expect(timesOf(pieces[0])).toEqual(secondsFrom(startSeconds, 100));
    expect(timesOf(pieces[1])).toEqual(secondsFrom(startSeconds + 100, 500));
    side[Symbol.dispose]();
    expect(timesOf(pieces[1])).toHaveLength(500);
    for (const piece of pieces) piece?.[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(before);
    expect(made).toHaveBeenCalledTimes(1);
    for (const collect of atOnce) expect(collect).not.toHaveBeenCalled();
  });

  it('is collected again for what was not in it, and the other let go', async () => {
    const { kernels, side } = setUp(300);
    const before = kernels.memory().bytesInUse;
    for (const task of [
      taskOf(0, startSeconds + 99),
      taskOf(startSeconds + 50),
      taskOf(startSeconds + 40, ends),
      taskOf(startSeconds + 40, ends, { kinds: [1, 2] }),
    ]) {
      const set = await side.open(task, never);
      const { since, until = ends } = task.range;
      const expected = secondsFrom(startSeconds, 300).filter((time) => time >= since && time <= until);
      expect(timesOf(set)).toEqual(expected);
      set?.[Symbol.dispose]();
    }
    side[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(before);
  });

  it('is given up between two turns when its batch ends, and with what the kernels cannot hold', async () => {
    const { kernels, side } = setUp(300);
    const before = kernels.memory().bytesInUse;
    const end = new AbortController();
    const opening = side.open(taskOf(), end.signal);
    end.abort(new Error('the batch ended'));
    await expect(opening).rejects.toThrow('the batch ended');
    expect(kernels.memory().bytesInUse).toBe(before);
    const small = setUp(9_000, 262_144);
    expect(await small.side.open(taskOf(), never)).toBeUndefined();
    expect((await small.side.open(taskOf(0, startSeconds + 99), never))?.size).toBe(100);
  });
});

it('a filter that is divided between the sessions of a relay is collected once', async () => {
  const url = 'wss://relay.example';
  const world = new World({ settings: { bootstrapRelays: [url] } });
  const relay = world.relay(url);
  relay.information = { ...emptyInformation, maxSubscriptions: 40 };
  const repository = announcement('repo', [url]);
  const address = addressOf(repository);
  const many = Array.from({ length: 4_200 }, (_, number) =>
    event({ kind: 1111, created_at: startSeconds - 5_000 + number, tags: [['A', address]] }),
  );
  for (const each of [repository, ...many]) world.store.put(each);
  const missing = event({ kind: 1111, created_at: startSeconds - 900, tags: [['A', address]] });
  relay.events.push(repository, ...many, missing);
  const atOnce = [vi.spyOn(world.store, 'collect'), vi.spyOn(world.refused, 'collect')];
  const collected = vi.spyOn(world.store, 'collectInTurns');
  world.start();
  await world.advance(60_000);
  const asked = relay.messages('NEG-OPEN').filter(([, , of]) => (of as Filter)['#A'] !== undefined);
  expect(asked.length).toBeGreaterThan(1);
  expect(collected.mock.calls.filter(([of]) => of['#A'] !== undefined)).toHaveLength(1);
  for (const collect of atOnce) expect(collect).not.toHaveBeenCalled();
  expect(world.store.has(missing.id)).toBe(true);
  expect(relay.asks()).toEqual([[missing.id]]);
  await world.stop();
});
