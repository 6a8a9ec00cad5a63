import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { ProcessGate } from '../../src/git/processes/process-gate.js';
import { VirtualClock } from '../support/virtual-clock.js';

const { signal } = new AbortController();
const rest = () => new Promise((resolve) => setImmediate(resolve));

it('lets as many in as may run, makes others wait, and refuses those above', async () => {
  const gate = new ProcessGate({ runningMax: 2, waitingMax: 1 });
  const leave = await gate.enter(signal);
  await gate.enter(signal);
  const third = gate.enter(signal);
  await expect(gate.enter(signal)).rejects.toMatchObject({ code: 'git_busy', retryable: true });
  expect([gate.running, gate.waiting]).toEqual([2, 1]);
  leave();
  leave();
  await third;
  expect([gate.running, gate.waiting]).toEqual([2, 0]);
});

it('forgets who goes away while waiting', async () => {
  const gate = new ProcessGate({ runningMax: 1, waitingMax: 1 });
  await gate.enter(signal, 'a');
  for (const party of ['a', 'b']) {
    const stop = new AbortController();
    const waiting = gate.enter(stop.signal, party);
    stop.abort();
    await expect(waiting).rejects.toBe(stop.signal.reason);
    expect(gate.waiting).toBe(0);
  }
});

it('gives one party half of the places, to run and to wait, and the others the rest', async () => {
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 4 });
  const leave = await gate.enter(signal, 'a');
  await gate.enter(signal, 'a');
  const waiting = [gate.enter(signal, 'a'), gate.enter(signal, 'a')];
  await expect(gate.enter(signal, 'a')).rejects.toMatchObject({ code: 'git_busy' });
  await gate.enter(signal, 'b');
  await gate.enter(signal);
  expect([gate.running, gate.waiting]).toEqual([4, 2]);
  // Whoever of a party waits behind its own share lets others past.
  const other = gate.enter(signal, 'b');
  leave();
  await other;
  expect([gate.running, gate.waiting]).toEqual([4, 2]);
  const [first] = waiting;
  (await other)();
  await first;
  expect([gate.running, gate.waiting]).toEqual([4, 1]);
});

it('lets others wait, however many of some parties wait behind their own share', async () => {
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 4 });
  const leave = await gate.enter(signal, 'a');
  await Promise.all(['a', 'b', 'b'].map((party) => gate.enter(signal, party)));
  for (const party of ['a', 'a', 'b', 'b']) void gate.enter(signal, party);
  const other = gate.enter(signal, 'c');
  expect([gate.running, gate.waiting]).toEqual([4, 5]);
  await rest();
  leave();
  await other;
});

it('lets in who has fewer places before who has more, however many these have waiting', async () => {
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 16 });
  const leaves = await Promise.all(['a', 'b', 'b', 'c'].map((party) => gate.enter(signal, party)));
  const order: string[] = [];
  for (const party of ['a', 'c', 'a', 'd', 'e', 'd'])
    void gate.enter(signal, party).then((leave) => leaves.push(leave) && order.push(party));
  await rest();
  // Both places of b, then one of a, c, d and e each.
  for (const at of [1, 2, 0, 3, 4, 5]) {
    leaves[at]?.();
    await rest();
  }
  expect(order).toEqual(['d', 'e', 'a', 'c', 'd', 'a']);
});

it('has room for who waits for nothing yet: the party with most of those who wait gives one up', async () => {
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 4 });
  const leaves = await Promise.all(['a', 'a', 'b', 'b'].map((party) => gate.enter(signal, party)));
  const refused: number[] = [];
  const waiting: Promise<unknown>[] = [];
  for (const [at, party] of ['c', 'c', 'd', 'd', 'e', 'f', 'g', 'e'].entries()) {
    const refuse = (error: unknown) => {
      expect(error).toMatchObject({ code: 'git_busy' });
      refused.push(at);
    };
    waiting.push(gate.enter(signal, party).catch(refuse));
    await rest();
  }
  // One for each of c, d, e and f is left.
  expect(refused.sort()).toEqual([1, 3, 6, 7]);
  expect(gate.waiting).toBe(4);
  for (const leave of leaves) leave();
  await Promise.all(waiting);
  expect([gate.running, gate.waiting]).toEqual([4, 0]);
});

it('tells how many places more a party has than who waits', async () => {
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 4 });
  await Promise.all(['a', 'a', 'b'].map((party) => gate.enter(signal, party)));
  const leave = await gate.enter(signal);
  void gate.enter(signal, 'a');
  // Who waits behind its own share waits for nobody else.
  expect([gate.leadOf('a'), gate.leadOf('b'), gate.leadOf(undefined)]).toEqual([0, 0, 0]);
  const second = gate.enter(signal, 'b');
  await rest();
  expect([gate.leadOf('a'), gate.leadOf('b'), gate.leadOf(undefined)]).toEqual([1, 0, 0]);
  const stop = new AbortController();
  const anonymous = gate.enter(stop.signal);
  await rest();
  expect([gate.leadOf('a'), gate.leadOf('b'), gate.leadOf(undefined)]).toEqual([2, 1, 1]);
  stop.abort();
  await expect(anonymous).rejects.toBe(stop.signal.reason);
  leave();
  await second;
  expect([gate.leadOf('a'), gate.leadOf('b')]).toEqual([0, 0]);
});

it('takes another number of places from the next that comes or leaves, and keeps those inside', async () => {
  const settings = { runningMax: 1, waitingMax: 1 };
  const gate = new ProcessGate(settings);
  const leave = await gate.enter(signal, 'a');
  const waiting = gate.enter(signal, 'b');
  await expect(gate.enter(signal, 'c')).rejects.toMatchObject({ code: 'git_busy' });
  settings.runningMax = 3;
  await gate.enter(signal, 'c');
  const leaveSecond = await waiting;
  expect([gate.running, gate.waiting]).toEqual([3, 0]);
  settings.runningMax = 1;
  leave();
  leaveSecond();
  const last = gate.enter(signal, 'd');
  await rest();
  expect([gate.running, gate.waiting]).toEqual([1, 1]);
  settings.runningMax = 2;
  await gate.enter(signal, 'e').catch(() => {});
  await last;
});

/** A gate of four places that are taken in this order, and who was ended of those who have them. */
async function held(...parties: (string | undefined)[]) {
  const clock = new VirtualClock();
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 8 }, clock);
  const ended: number[] = [];
  const leaves: (() => void)[] = [];
  for (const [at, party] of parties.entries()) {
    const end = () => {
      ended.push(at);
      leaves[at]?.();
    };
    leaves.push(await gate.enter(signal, party, end));
  }
  return { clock, gate, ended, leaves };
}

it('ends what has run for longest of the party that has most, where no place came free for long and others wait', async () => {
  const { clock, gate, ended } = await held('b', 'a', 'b', 'a');
  await clock.advance(10 * limits.gitPlacesHeldMsMax);
  // Who waits behind its own share waits for nobody else.
  void gate.enter(signal, 'a');
  await clock.advance(10 * limits.gitPlacesHeldMsMax);
  expect(ended).toEqual([]);
  const stop = new AbortController();
  const gone = gate.enter(stop.signal, 'c');
  await clock.advance(limits.gitPlacesHeldMsMax - 1);
  stop.abort();
  await expect(gone).rejects.toBe(stop.signal.reason);
  const first = gate.enter(signal, 'd');
  await clock.advance(limits.gitPlacesHeldMsMax - 1);
  expect(ended).toEqual([]);
  await clock.advance(1);
  await first;
  expect(ended).toEqual([0]);
  void gate.enter(signal, 'e');
  await clock.advance(limits.gitPlacesHeldMsMax);
  expect(ended).toEqual([0, 1]);
});

it('ends nothing of who has one place, or of whom it cannot be told, nor while places come free', async () => {
  const { clock, gate, ended, leaves } = await held('a', 'b', undefined, undefined);
  const waiting = [gate.enter(signal, 'c'), gate.enter(signal, 'd')];
  await clock.advance(10 * limits.gitPlacesHeldMsMax);
  expect(ended).toEqual([]);
  leaves[0]?.();
  await waiting[0];
  void gate.enter(signal, 'b');
  await clock.advance(limits.gitPlacesHeldMsMax - 1);
  leaves[2]?.();
  await waiting[1];
  leaves[3]?.();
  await rest();
  expect([gate.running, gate.waiting]).toEqual([4, 0]);
  void gate.enter(signal, 'e');
  await clock.advance(limits.gitPlacesHeldMsMax - 1);
  expect(ended).toEqual([]);
  await clock.advance(1);
  expect(ended).toEqual([1]);
});
