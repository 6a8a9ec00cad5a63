import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdmissionOutcome, EventSource } from '../../src/admission/admission.js';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { isDateRefusal } from '../../src/admission/event-dates.js';
import { limits } from '../../src/config/limits.js';
import { unixSeconds } from '../../src/lib/clock.js';
import { eventHash, type NostrEvent } from '../../src/nostr/event.js';
import { accept } from '../../src/policy/decision.js';
import { StoreError } from '../../src/store/event-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { VirtualClock } from '../support/virtual-clock.js';

const sources: readonly EventSource[] = [{ type: 'direct' }, { type: 'catchup', relay: 'wss://a.example' }];
/** Where an event with that content makes something throw. */
const places = [
  'precheck',
  'preview',
  'decide',
  'put',
  'verify',
  'onStored',
  'retryCandidates',
  'a listener',
] as const;
type Place = (typeof places)[number];

let clock: VirtualClock;
let opened: OpenedStore;
let admission: AdmissionPipeline;
let registry: Registry;
let failures: Record<string, unknown>[];
let storeFailures: unknown[];
let announced: string[];
let wanted: string[];

function trip(place: Place, event: { readonly content: string }): void {
  if (event.content === place) throw new RangeError(`tripped in ${place}`);
}

function eventOf(template: Partial<NostrEvent> = {}): NostrEvent {
  const event = {
    id: '',
    pubkey: '1'.repeat(64),
    created_at: 1,
    kind: 1,
    tags: [],
    content: '',
    ...template,
  };
  const whole = { ...event, sig: 'f'.repeat(128) };
  return { ...whole, id: eventHash(whole) };
}

beforeEach(() => {
  clock = new VirtualClock();
  opened = createMemoryStore({ clock });
  registry = new Registry();
  failures = [];
  storeFailures = [];
  announced = [];
  wanted = [];
  const { store, refused } = opened;
  const preview = store.preview.bind(store);
  const put = store.put.bind(store);
  store.preview = (event) => {
    trip('preview', event);
    return preview(event);
  };
  store.put = (event, body) => {
    trip('put', event);
    return put(event, body);
  };
  admission = new AdmissionPipeline({
    store,
    refused,
    policy: {
      precheck: (event) => trip('precheck', event) as undefined,
      decide(event) {
        trip('decide', event);
        return accept();
      },
      onStored: (event) => trip('onStored', event),
      onRemoved: () => [],
      retryCandidates(event) {
        trip('retryCandidates', event);
        return [];
      },
    },
    verifier: {
      batchesMax: 2,
      async verify(events) {
        for (const event of events) trip('verify', event);
        return { verdicts: events.map(({ sig }) => (sig.startsWith('0') ? 'wrong-signature' : 'valid')) };
      },
      async [Symbol.asyncDispose]() {},
    },
    clock,
    metrics: new AdmissionMetrics(registry),
    log: { error: (details) => failures.push(details as Record<string, unknown>) },
    hotCacheDurationMs: 120_000,
    effects: { run: () => {} },
    onStoreFailure: (error) => storeFailures.push(error),
  });
  admission.feed.onAccepted(({ event }) => trip('a listener', event));
  admission.feed.onAccepted(({ event }) => announced.push(event.id));
  admission.onWanted((ids) => {
    for (const id of ids) wanted.push(id);
  });
  // What is refused is looked up when something is stored.
  refused.add(eventOf({ content: 'refused' }), 'blocked: not yet');
});

async function outcomesOf(events: readonly NostrEvent[], source: EventSource): Promise<AdmissionOutcome[]> {
  const outcomes = Promise.all(events.map((event) => admission.submit(event, source)));
  await clock.advance(100);
  return await outcomes;
}

describe.each(sources)('an event from a $type source that makes us throw', (source) => {
  it.each(places)('costs that event only: %s', async (place) => {
    const before = eventOf({ content: 'before' });
    const poison = eventOf({ content: place });
    const after = eventOf({ content: 'after' });
    const outcomes = await outcomesOf([before, poison, after], source);
    const isStored = place === 'onStored' || place === 'retryCandidates' || place === 'a listener';
    const failed = { type: 'failed', reason: 'error: the event could not be judged' };
    expect(outcomes).toEqual([
      { type: 'stored' },
      isStored ? { type: 'stored' } : failed,
      { type: 'stored' },
    ]);
    expect(announced).toEqual((isStored ? [before, poison, after] : [before, after]).map(({ id }) => id));
    expect(failures).toEqual([
      expect.objectContaining({ event: poison.id, reason: `tripped in ${place}`, stack: expect.any(String) }),
    ]);
    expect(
      (await registry.getSingleMetric('ngit_admission_event_failures_total')?.get())?.values[0]?.value,
    ).toBe(1);
    expect(opened.refused.reasonFor(poison.id)).toBeUndefined();
    expect(storeFailures).toEqual([]);
    await admission[Symbol.asyncDispose]();
  });
});

it('a store that cannot write fails all that it was given, and is told', async () => {
  const broken = new StoreError('store_failed', 'the disk is gone');
  const { store } = opened;
  const put = store.put.bind(store);
  store.put = (event, body) => ({ ...put(event, body), written: Promise.reject(broken) });
  const outcome = admission.submit(eventOf(), sources[0] as EventSource);
  outcome.catch(() => {});
  await clock.advance(100);
  await expect(outcome).rejects.toBe(broken);
  expect(storeFailures).toEqual([broken]);
  store.put = () => {
    throw broken;
  };
  const second = admission.submit(eventOf({ content: 'second' }), sources[0] as EventSource);
  second.catch(() => {});
  await clock.advance(100);
  await expect(second).rejects.toBe(broken);
  expect(failures).toEqual([]);
});

describe('an event that is dated too far ahead', () => {
  const early = (seconds: number) =>
    eventOf({ created_at: unixSeconds(clock) + limits.createdAtAheadSecondsMax + seconds });
  const tooEarly = { type: 'refused', reason: 'invalid: created_at is too far in the future' };

  it.each(sources)('is refused, from a $type source', async (source) => {
    expect(await outcomesOf([early(0), early(1)], source)).toEqual([{ type: 'stored' }, tooEarly]);
  });

  it('is remembered when a relay sent it, and asked for when its time has come', async () => {
    const event = early(3_600);
    expect(await outcomesOf([event], sources[1] as EventSource)).toEqual([tooEarly]);
    expect(opened.refused.reasonFor(event.id)).toBe(tooEarly.reason);
    await clock.advance(3_599_000);
    await admission.sweep();
    expect(wanted).toEqual([]);
    await clock.advance(1_000);
    await admission.sweep();
    expect(wanted).toEqual([event.id]);
    expect(await outcomesOf([event], sources[1] as EventSource)).toEqual([{ type: 'stored' }]);
  });

  it('ends no sweep when whoever has to ask for it throws', async () => {
    const events = [early(60), early(180)];
    await outcomesOf(events, sources[1] as EventSource);
    admission.onWanted(() => {
      throw new RangeError('tripped in a sweep');
    });
    for (const { id } of events) {
      await clock.advance(120_000);
      await admission.sweep();
      expect(wanted.at(-1)).toBe(id);
    }
    expect(failures).toHaveLength(2);
  });

  it('is remembered only when its signature is right, so that a forged copy keeps no good one out', async () => {
    const event = early(3_600);
    const forged = { ...event, sig: '0'.repeat(128) };
    const wrong = { type: 'refused', reason: 'invalid: the signature is wrong' };
    expect(await outcomesOf([forged], sources[1] as EventSource)).toEqual([wrong]);
    expect(opened.refused.reasonFor(event.id)).toBeUndefined();
    expect(await outcomesOf([event], sources[1] as EventSource)).toEqual([tooEarly]);
  });

  it('is wanted again at the next catch-up where too many are remembered: who sent the most has the oldest forgotten', async () => {
    const first = early(3_600);
    await outcomesOf([first], { type: 'catchup', relay: 'wss://b.example' });
    const many = Array.from({ length: limits.earlyEventsMax }, (_, number) => early(3_601 + number));
    await outcomesOf(many, sources[1] as EventSource);
    expect([first, many[0], many[1]].map((event) => opened.refused.reasonFor(event!.id))).toEqual([
      tooEarly.reason,
      undefined,
      tooEarly.reason,
    ]);
    await clock.advance(3_600_000);
    await admission.sweep();
    expect(wanted).toEqual([first.id]);
  });

  it('is not refused any more after a restart, which forgets that it waits: catch-up brings it again', async () => {
    const event = early(3_600);
    await outcomesOf([event], sources[1] as EventSource);
    opened.refused.deleteRefusedFor(isDateRefusal);
    expect(opened.refused.reasonFor(event.id)).toBeUndefined();
    expect(opened.refused.size).toBe(1);
  });

  it('is not remembered when a client published it', async () => {
    await outcomesOf([early(1)], sources[0] as EventSource);
    expect(opened.refused.size).toBe(1);
  });
});
