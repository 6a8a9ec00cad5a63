import { expect, it } from 'vitest';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import { AnnouncementBarrier } from '../../src/relay/delivery/announcement-barrier.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

it('waits for a flush that began after the call, one for all who ask meanwhile', async () => {
  const clock = new VirtualClock();
  const flushes: Deferred<void>[] = [];
  const flush = () => {
    const done = deferred<void>();
    flushes.push(done);
    return done.promise;
  };
  const barrier = new AnnouncementBarrier(
    { flush },
    { isAnnounced: false, announced: async () => {} },
    { isDrained: true, drained: async () => {} },
    clock,
  );
  const passed: string[] = [];
  const ask = (name: string) => void barrier.passed().then(() => passed.push(name));
  ask('first');
  ask('second');
  ask('third');
  await settle();
  expect(flushes).toHaveLength(1);
  flushes[0]?.resolve();
  await clock.advance(100);
  expect(passed).toEqual(['first']);
  expect(flushes).toHaveLength(2);
  flushes[1]?.reject(new Error('disk full'));
  await clock.advance(100);
  expect(passed).toEqual(['first', 'second', 'third']);
  expect(flushes).toHaveLength(2);
});

it('waits for the announcement of what is written, and until that is handed out', async () => {
  const clock = new VirtualClock();
  const announced = deferred<void>();
  const drained = deferred<void>();
  const barrier = new AnnouncementBarrier(
    { flush: async () => {} },
    { isAnnounced: false, announced: () => announced.promise },
    { isDrained: false, drained: () => drained.promise },
    clock,
  );
  let passed = false;
  const waiting = barrier.passed().then(() => {
    passed = true;
  });
  await clock.advance(1_000);
  announced.resolve();
  await clock.advance(1_000);
  expect(passed).toBe(false);
  drained.resolve();
  await waiting;
});
