import { expect, it } from 'vitest';
import { ProcessGate } from '../../src/git/processes/process-gate.js';

const { signal } = new AbortController();

it('lets as many in as may run, makes others wait, and refuses those above', async () => {
  const gate = new ProcessGate({ runningMax: 2, waitingMax: 1 });
  const leave = await gate.enter(signal);
  await gate.enter(signal);
  const third = gate.enter(signal);
  await expect(gate.enter(signal)).rejects.toMatchObject({ code: 'git_busy', retryable: true });
  expect([gate.running, gate.waiting]).toEqual([2, 1]);
  leave();
  await third;
  expect([gate.running, gate.waiting]).toEqual([2, 0]);
});

it('forgets who goes away while waiting', async () => {
  const gate = new ProcessGate({ runningMax: 1, waitingMax: 1 });
  await gate.enter(signal);
  const stop = new AbortController();
  const waiting = gate.enter(stop.signal);
  stop.abort();
  await expect(waiting).rejects.toBe(stop.signal.reason);
  expect(gate.waiting).toBe(0);
});
