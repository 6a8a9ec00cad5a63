import { expect, it } from 'vitest';
import { makeEvent } from '../../store/support/events.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { Disk, type Durability } from './disk.js';
import { DurableStore } from './durable-store.js';

const note = (at: number) => makeEvent({ content: `note ${at}` });

/** Writes for ten seconds, one event a second; gives which of them are there after the power failed. */
async function afterPowerFailure(durability: Durability, unwrittenMs: number): Promise<number[]> {
  const clock = new VirtualClock(1_700_000_000_000);
  const disk = new Disk(durability);
  const store = new DurableStore(clock, disk, 100);
  const refused = makeEvent({ content: 'refused' });
  for (let at = 0; at < 10; at += 1) {
    store.put(note(at));
    if (at === 4) store.refused.add(refused, 'blocked: unwanted');
    await clock.advance(1_000);
  }
  disk.loseSince(clock.monotonic() - unwrittenMs);
  const again = new DurableStore(clock, disk, 100);
  const stored = Array.from({ length: 10 }, (_, at) => at).filter((at) => again.has(note(at).id));
  // What is lost is the end: the refusal stands between others.
  expect(again.refused.size).toBe(stored.length > 5 ? 1 : 0);
  return stored;
}

it('the simulated disk forgets the end of what was not forced there', async () => {
  expect(await afterPowerFailure('system', 3_000)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await afterPowerFailure('system', 60_000)).toEqual([]);
  expect(await afterPowerFailure('sync', 60_000)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
