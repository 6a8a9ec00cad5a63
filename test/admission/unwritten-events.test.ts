import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AdmissionOutcome } from '../../src/admission/admission.js';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { accept, reject } from '../../src/policy/decision.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { makeEvent } from '../store/support/events.js';
import { interceptWrites } from '../store/support/intercepted-writes.js';

const versions = [1, 2].map((created_at) => makeEvent({ kind: 30_617, created_at, tags: [['d', 'a']] })) as [
  NostrEvent,
  NostrEvent,
];
const note = makeEvent({ created_at: 1 });
const deletion = makeEvent({ kind: 5, created_at: 2, tags: [['e', note.id]] });
/** Refused as long as a newest version stands. */
const unwanted = makeEvent({ kind: 7, created_at: 1 });

describe('an answer that rests on an unwritten event', () => {
  let path: string;
  let opened: OpenedStore;
  let admission: AdmissionPipeline;
  /** Each write waits for it. */
  let disk: Deferred<void>;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-unwritten-'));
    opened = await openLevelStore({ path, clock: systemClock });
    const { store, refused } = opened;
    admission = new AdmissionPipeline({
      store,
      refused,
      policy: {
        precheck: () => undefined,
        decide: ({ kind }) =>
          kind === 7 && store.some({ kinds: [30_617] }) ? reject('blocked: not wanted') : accept(),
        onStored: () => {},
        onRemoved: () => [],
        retryCandidates: () => [],
      },
      verifier: {
        batchesMax: 1,
        verify: async (events) => ({ verdicts: events.map(() => 'valid' as const) }),
        async [Symbol.asyncDispose]() {},
      },
      clock: systemClock,
      metrics: new AdmissionMetrics(new Registry()),
      log: console,
      hotCacheDurationMs: 120_000,
      effects: { run: () => {} },
      onStoreFailure: () => {},
    });
    disk = deferred();
    interceptWrites(() => disk.promise);
  });

  afterEach(async () => {
    await opened.store[Symbol.asyncDispose]();
    vi.restoreAllMocks();
    await rm(path, { recursive: true });
  });

  type Answer = AdmissionOutcome['type'] | 'failed';
  const answers: Answer[] = [];
  const publish = async (event: NostrEvent): Promise<Answer> => {
    const answer = await admission.submit(event, { type: 'direct' }).then(
      ({ type }) => type,
      () => 'failed' as const,
    );
    answers.push(answer);
    return answer;
  };
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

  /** Publishes one event, then another once the first is in the store and its write has begun. */
  async function publishUpon(first: NostrEvent, second: NostrEvent): Promise<Promise<Answer>[]> {
    answers.length = 0;
    const earlier = publish(first);
    await vi.waitUntil(() => opened.store.has(first.id));
    const later = publish(second);
    await turn();
    expect(answers).toEqual([]);
    return [earlier, later];
  }

  const cases: [string, NostrEvent, NostrEvent, Answer][] = [
    ['an older version', versions[1], versions[0], 'superseded'],
    ['the same event', note, note, 'known'],
    ['a deleted event', deletion, note, 'refused'],
    ['what the policy refuses because of it', versions[0], unwanted, 'refused'],
  ];

  it.each(cases)('waits for its write: %s', async (_, first, second, outcome) => {
    const both = await publishUpon(first, second);
    disk.resolve();
    expect(await Promise.all(both)).toEqual(['stored', outcome]);
  });

  it.each(cases)('fails with its write, then and later: %s', async (_, first, second) => {
    const both = await publishUpon(first, second);
    disk.reject(new Error('no space left on device'));
    expect(await Promise.all(both)).toEqual(['failed', 'failed']);
    expect(await publish(second)).toBe('failed');
    expect(await publish(first)).toBe('failed');
  });
});
