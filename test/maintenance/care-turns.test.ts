import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { deferred, onAbort, TimeLimitError } from '../../src/lib/abort.js';
import { CareQueue } from '../../src/maintenance/care-queue.js';
import { CareTurns } from '../../src/maintenance/care-turns.js';
import { VirtualClock } from '../support/virtual-clock.js';

const { signal } = new AbortController();

/** Turns of which each comes to no end by itself, and a queue of those that wait for theirs. */
function endlessTurns() {
  const clock = new VirtualClock();
  const queue = new CareQueue(clock);
  const turns = new CareTurns(clock, (stop) => queue.whenReady(stop));
  /** Begins one; its end is told by how it was ended. */
  const begin = (own = signal): { end: unknown } => {
    const turn: { end: unknown } = { end: undefined };
    const work = async (ending: AbortSignal) => {
      const ended = deferred<void>();
      using _ = onAbort(ending, ended.reject);
      await ended.promise;
    };
    void turns.use('/endless', own, work).catch((error: unknown) => {
      turn.end = error;
    });
    return turn;
  };
  const wait = () => {
    const repository = { pubkey: 'a', identifier: 'other' };
    queue.add('/other', { repository, interruptions: 0 }, 1);
  };
  return { clock, queue, turns, begin, wait };
}

describe('the turn of a repository', () => {
  it('is over after a while once others wait, and not before', async () => {
    const { clock, queue, begin, wait } = endlessTurns();
    const awaited = begin();
    wait();
    await clock.advance(limits.careAwaitedMs - 1);
    expect(awaited.end).toBeUndefined();
    await clock.advance(1);
    expect(awaited.end).toBeInstanceOf(TimeLimitError);
    queue.clear();
    const alone = begin();
    await clock.advance(100 * limits.careAwaitedMs);
    expect(alone.end).toBeUndefined();
    wait();
    await clock.advance(1);
    expect(alone.end).toBeInstanceOf(TimeLimitError);
  });

  it('is twice as long after each that failed', async () => {
    const { clock, begin, wait } = endlessTurns();
    wait();
    for (const times of [1, 2, 4, 8]) {
      const turn = begin();
      await clock.advance(times * limits.careAwaitedMs - 1);
      expect(turn.end).toBeUndefined();
      await clock.advance(1);
      expect(turn.end).toBeInstanceOf(TimeLimitError);
    }
  });

  it('ends with the daemon, and leaves no timer', async () => {
    const { clock, begin } = endlessTurns();
    const stop = new AbortController();
    const turn = begin(stop.signal);
    stop.abort();
    await clock.advance(1);
    expect([turn.end, clock.timers]).toEqual([stop.signal.reason, 0]);
  });
});

describe('a repository', () => {
  it('rests after it failed, twice as long each time, up to days', async () => {
    const { clock, turns } = endlessTurns();
    const fail = () =>
      turns.use('/a', signal, async () => {
        throw new Error('git failed');
      });
    expect(turns.isResting('/a')).toBe(false);
    for (const ms of [1, 2, 4].map((times) => times * limits.careRestMsMin)) {
      await expect(fail()).rejects.toThrow('git failed');
      await clock.advance(ms - 1);
      expect(turns.isResting('/a')).toBe(true);
      await clock.advance(1);
      expect(turns.isResting('/a')).toBe(false);
    }
    for (let times = 0; times < 20; times += 1) await expect(fail()).rejects.toThrow('git failed');
    await clock.advance(limits.careRestMsMax - 1);
    expect([turns.isResting('/a'), turns.isResting('/b')]).toEqual([true, false]);
    await clock.advance(1);
    expect(turns.isResting('/a')).toBe(false);
  });

  it('rests no more once it was cared for', async () => {
    const { clock, turns } = endlessTurns();
    const fail = turns.use('/a', signal, async () => {
      throw new Error('git failed');
    });
    await expect(fail).rejects.toThrow('git failed');
    turns.forget('/a');
    expect([turns.isResting('/a'), clock.timers]).toEqual([false, 0]);
  });
});

it('owners have their turns one after the other, however many repositories of one wait', async () => {
  const clock = new VirtualClock();
  const queue = new CareQueue(clock);
  const add = (pubkey: string, identifier: string) =>
    queue.add(`/${pubkey}/${identifier}`, { repository: { pubkey, identifier }, interruptions: 0 }, 1);
  for (const identifier of ['a', 'b', 'c']) add('many', identifier);
  add('one', 'd');
  const prs = { signer: 'another', identifier: 'e' };
  queue.add('/prs', { repository: prs, interruptions: 0 }, 1);
  await clock.advance(1);
  const order: string[] = [];
  while (queue.size > 0) order.push((await queue.next(signal)).repository.identifier);
  expect(order).toEqual(['a', 'd', 'e', 'b', 'c']);
});
