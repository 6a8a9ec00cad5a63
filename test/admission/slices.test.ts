import { beforeEach, describe, expect, it } from 'vitest';
import type { EventSource } from '../../src/admission/admission.js';
import type { EventFailures } from '../../src/admission/event-failures.js';
import { Retries } from '../../src/admission/retries.js';
import type { PromptCheck } from '../../src/admission/verification/prompt-check.js';
import {
  type Job,
  type VerdictTurns,
  VerificationQueue,
} from '../../src/admission/verification/verification-queue.js';
import type { Verdict, Verifier } from '../../src/admission/verification/verifier.js';
import { PendingWrites } from '../../src/admission/writing/pending-writes.js';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { errorMessage } from '../../src/lib/errors.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { encodeBody } from '../../src/nostr/event-body.js';
import { plainEvent } from '../relay/fakes.js';
import { settle } from '../support/virtual-clock.js';

let nowMs: number;
let turns: (() => void)[];
let slices: TurnScheduler;
let log: string[];

beforeEach(() => {
  nowMs = 0;
  turns = [];
  log = [];
  const sliceLimits = { turnMs: 12, sliceMsMin: 2, sliceMsMax: 4 };
  slices = new TurnScheduler({ monotonic: () => nowMs }, sliceLimits, (task) => turns.push(task));
});

async function turn(): Promise<void> {
  turns.shift()?.();
  await settle();
}

const inTurns = async () => {
  while (turns.length > 0) await turn();
};

describe('PendingWrites', () => {
  const pendingWrites = () =>
    new PendingWrites<string>(slices, {
      bytesOf: () => limits.writingBytesMax / 4,
      onBegin: () => () => log.push('on disk'),
      onWritten: (event) => log.push(`OK ${event}`),
      announce: (event) => {
        log.push(event);
        nowMs += 2;
      },
      onRoom: () => log.push('room'),
      onFailure: (events) => log.push(`failed ${events.join('')}`),
    });

  it('acknowledges what is written at once, and announces it in its order, in slices of turns', async () => {
    const writes = pendingWrites();
    const [first, second] = [deferred<void>(), deferred<void>()];
    for (const event of ['a', 'b', 'c']) writes.add(event, first.promise);
    writes.add('d', second.promise);
    expect(writes.hasRoom(true)).toBe(false);
    first.resolve();
    await settle();
    expect(log).toEqual(['on disk', 'OK a', 'OK b', 'OK c', 'a', 'room', 'b']);
    second.resolve();
    await settle();
    let isAnnounced = false;
    const announced = writes.announced().then(() => {
      isAnnounced = true;
    });
    await settle();
    expect(isAnnounced).toBe(false);
    await inTurns();
    await announced;
    expect(log.slice(-5)).toEqual(['on disk', 'OK d', 'c', 'd', 'room']);
    expect(writes.hasRoom(true)).toBe(true);
  });

  it('announces nothing of a write that failed', async () => {
    const writes = pendingWrites();
    const failing = deferred<void>();
    for (const event of ['a', 'b', 'c', 'd']) writes.add(event, failing.promise);
    failing.reject(new Error('disk full'));
    await settle();
    await inTurns();
    expect(log).toEqual(['room', 'room', 'failed abcd']);
    expect(writes.hasRoom(true)).toBe(true);
  });
});

describe('VerificationQueue', () => {
  const verifier: Verifier = {
    batchesMax: 2,
    verify: async (events) => ({
      verdicts: events.map((): Verdict => 'valid'),
      bodies: events.map(encodeBody),
    }),
    async [Symbol.asyncDispose]() {},
  };
  const job = (number: number, source: EventSource): Job => ({ event: plainEvent(number), source, bytes: 1 });

  const verdictTurns = (): VerdictTurns => ({
    clients: new TurnScheduler({ monotonic: () => nowMs }, fixedSlice(8), (task) => turns.push(task)),
    others: slices,
  });

  it('hands out what clients sent in slices of turns as well, and checks nothing that comes behind it at once', async () => {
    const prompt: PromptCheck = { check: () => ({ verdicts: ['valid'] }) };
    let isPrompt = false;
    const check: PromptCheck = { check: (event) => (isPrompt ? prompt.check(event) : undefined) };
    const queue = new VerificationQueue<Job>(verifier, check, verdictTurns(), {
      hasRoom: () => true,
      onVerdict: ({ event }) => {
        log.push(`${event.created_at % 1_000}`);
        nowMs += 4;
      },
      onFailure: () => {},
    });
    for (let number = 0; number < 4; number += 1) queue.push(job(number, { type: 'direct' }));
    await settle();
    expect(log).toEqual(['0', '1']);
    isPrompt = true;
    queue.push(job(4, { type: 'direct' }));
    expect(log).toEqual(['0', '1']);
    await turn();
    expect(log).toEqual(['0', '1', '2', '3']);
    await inTurns();
    expect(log).toEqual(['0', '1', '2', '3', '4']);
    queue.push(job(5, { type: 'direct' }));
    expect(log.at(-1)).toBe('5');
  });

  it('gives the clients of each address their turns, in the order in which each sent', async () => {
    const queue = new VerificationQueue<Job>({ ...verifier, batchesMax: 1 }, undefined, verdictTurns(), {
      hasRoom: () => true,
      onVerdict: ({ event }) => log.push(`${event.created_at % 1_000}`),
      onFailure: () => {},
    });
    const of = (group: string): EventSource => ({
      type: 'direct',
      address: { group, takeStrangerEvent: () => undefined },
    });
    for (let number = 0; number < 2 * limits.verificationBatchEventsMax; number += 1)
      queue.push(job(number, of('192.0.2.1')));
    for (const number of [901, 902]) queue.push(job(number, of('192.0.2.2')));
    while (queue.length > 0) {
      await settle();
      await inTurns();
    }
    expect(log.slice(0, 6)).toEqual(['0', '1', '901', '2', '902', '3']);
    expect(log.slice(6)).toEqual(Array.from({ length: log.length - 6 }, (_, at) => `${at + 4}`));
  });

  it('hands out what clients sent first, and all else in its order, in slices of turns', async () => {
    const queue = new VerificationQueue<Job>(verifier, undefined, verdictTurns(), {
      hasRoom: () => true,
      onVerdict: ({ event, source }, _, body) => {
        expect(body).toEqual(encodeBody(event));
        log.push(`${source.type} ${event.created_at % 1_000}`);
        nowMs += 4;
      },
      onFailure: () => {},
    });
    const catchup: EventSource = { type: 'catchup', relay: 'wss://a.example' };
    for (let number = 0; number < 4; number += 1) queue.push(job(number, catchup));
    await settle();
    queue.push(job(9, { type: 'direct' }));
    await settle();
    expect(log).toEqual(['catchup 0', 'direct 9']);
    await inTurns();
    expect(log).toEqual(['catchup 0', 'direct 9', 'catchup 1', 'catchup 2', 'catchup 3']);
    expect(queue.length).toBe(0);
  });

  it('fills batches with few events of relays, for what a client sends waits for those before it', async () => {
    const sizes: number[] = [];
    const recording: Verifier = {
      ...verifier,
      batchesMax: 1,
      verify: async (events) => {
        sizes.push(events.length);
        return await verifier.verify(events);
      },
    };
    const queue = new VerificationQueue<Job>(recording, undefined, verdictTurns(), {
      hasRoom: () => true,
      onVerdict: () => {},
      onFailure: () => {},
    });
    const few = limits.verificationRemoteBatchEventsMax;
    for (let number = 0; number < 2 * few; number += 1)
      queue.push(job(number, { type: 'live_sync', relay: 'wss://a.example' }));
    for (let number = 0; number < limits.verificationBatchEventsMax; number += 1)
      queue.push(job(number, { type: 'direct' }));
    while (queue.length > 0) {
      await settle();
      await inTurns();
    }
    expect(sizes).toEqual([1, limits.verificationBatchEventsMax, few, few - 1]);
  });

  it('goes on with catch-up, however much comes live without end', async () => {
    const live: EventSource = { type: 'live_sync', relay: 'wss://a.example' };
    const recording: Verifier = {
      ...verifier,
      batchesMax: 1,
      verify: async (events) => {
        for (const _ of events) queue.push(job(1, live));
        return await verifier.verify(events);
      },
    };
    let caughtUp = 0;
    const queue = new VerificationQueue<Job>(
      recording,
      undefined,
      { clients: slices, others: slices },
      {
        hasRoom: () => true,
        onVerdict: ({ source }) => {
          if (source.type === 'catchup') caughtUp += 1;
          nowMs += 1;
        },
        onFailure: () => {},
      },
    );
    const few = limits.verificationRemoteBatchEventsMax;
    for (let at = 0; at < 2 * few; at += 1) queue.push(job(1, live));
    for (let at = 0; at < few; at += 1) queue.push(job(1, { type: 'catchup', relay: 'wss://b.example' }));
    for (let rounds = 0; rounds < 200; rounds += 1) {
      await settle();
      await turn();
    }
    expect(caughtUp).toBe(few);
    queue.close();
  });

  describe('with a check on the main thread', () => {
    let hasTime = true;
    const prompt: PromptCheck = {
      check: (event) => (hasTime ? { verdicts: ['valid'], bodies: [encodeBody(event)] } : undefined),
    };
    const queueOf = () =>
      new VerificationQueue<Job>(verifier, prompt, verdictTurns(), {
        hasRoom: () => true,
        onVerdict: ({ event, source }) => log.push(`${source.type} ${event.created_at % 1_000}`),
        onFailure: () => {},
      });

    it('has the verdict on what one client sends at once, whatever of relays is before it', async () => {
      hasTime = true;
      const queue = queueOf();
      for (let number = 0; number < 4; number += 1)
        queue.push(job(number, { type: 'catchup', relay: 'wss://a.example' }));
      queue.push(job(9, { type: 'direct' }));
      expect(log).toEqual(['direct 9']);
      await settle();
      await inTurns();
      expect(log).toEqual(['direct 9', 'catchup 0', 'catchup 1', 'catchup 2', 'catchup 3']);
    });

    it('keeps the order of what clients send: behind what is on a thread, all goes to the threads', async () => {
      hasTime = false;
      const queue = queueOf();
      queue.push(job(1, { type: 'direct' }));
      hasTime = true;
      queue.push(job(2, { type: 'direct' }));
      expect(log).toEqual([]);
      await settle();
      expect(log).toEqual(['direct 1', 'direct 2']);
      queue.push(job(3, { type: 'direct' }));
      expect(log).toEqual(['direct 1', 'direct 2', 'direct 3']);
    });

    it('costs an event that makes it throw, and no other', () => {
      const breaking: PromptCheck = {
        check: (event) => {
          if (event.created_at % 2 === 0) throw new Error('cannot be checked');
          return { verdicts: ['valid'] };
        },
      };
      const queue = new VerificationQueue<Job>(verifier, breaking, verdictTurns(), {
        hasRoom: () => true,
        onVerdict: ({ event }) => log.push(`${event.created_at % 1_000}`),
        onFailure: ({ event }, error) => log.push(`${event.created_at % 1_000}: ${errorMessage(error)}`),
      });
      for (const number of [1, 2, 3]) queue.push(job(number, { type: 'direct' }));
      expect(log).toEqual(['1', '2: cannot be checked', '3']);
    });
  });
});

describe('Retries', () => {
  it('try again what is at hand in slices of turns, however much one event brings back', async () => {
    const retries = new Retries(slices, {
      refusals: {
        search: () => ({ next: () => ({ ids: [], isDone: true }) }),
        takeOut: () => ({ atHand: [], gone: [] }),
      },
      failures: { attempt: (_: unknown, step: () => void) => step() } as unknown as EventFailures,
      submit: async (event) => {
        log.push(`${event.created_at % 1_000}`);
        nowMs += 2;
        return { type: 'stored' };
      },
      want: (ids) => log.push(`want ${ids.join(' ')}`),
    });
    const source: EventSource = { type: 'live_sync', relay: 'wss://a.example' };
    const hot = (number: number) => ({ event: plainEvent(number), source });
    retries.begin({ atHand: [1, 2, 3, 4].map(hot), gone: ['gone'], rest: [] });
    expect(log).toEqual(['1', '2', 'want gone']);
    await turn();
    expect(log.slice(3)).toEqual(['3', '4']);
    retries.begin({ atHand: [5, 6, 7].map(hot), gone: [], rest: [] });
    retries.close();
    await inTurns();
    expect(log).not.toContain('7');
  });
});
