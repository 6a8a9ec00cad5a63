import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { AdmissionMetrics } from '../../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../../src/admission/admission-pipeline.js';
import { seededRandom } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { Nip34WritePolicy } from '../../../src/policy/nip34-write-policy.js';
import { RepositoryDirectory } from '../../../src/repositories/repository-directory.js';
import { RepositoryServing } from '../../../src/repositories/serving.js';
import { createMemoryStore } from '../../../src/store/memory-store.js';
import { hostingRules } from '../../support/hosting-rules.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { createFakeVerifier } from '../daemon/fake-verifier.js';
import { shuffled } from '../random.js';
import { describe as brief } from '../relay/remote-relay.js';
import { drawScenario } from '../scenario.js';
import { ownDomain } from '../world/cast.js';
import { names as namesOf } from '../world/names.js';
import { Departures } from './completeness.js';
import { KeptEvents } from './kept-events.js';
import { acceptableInSomeOrder, isAcceptable, isEarly, isStorable, type Names } from './policy-model.js';

/** Gives all events to the real admission and policy in some order, again when they are wanted again. */
async function admitAll(events: readonly NostrEvent[]) {
  // Later than all that the worlds publish, but for what is dated ahead on purpose.
  const clock = new VirtualClock(Date.UTC(2026, 0, 10));
  const { store, refused } = createMemoryStore({ clock });
  const serving = new RepositoryServing(hostingRules(ownDomain));
  const directory = new RepositoryDirectory(serving);
  const policy = new Nip34WritePolicy({ serving, store, directory, eventBlacklist: new Set() });
  const admission = new AdmissionPipeline({
    store,
    refused,
    policy,
    verifier: createFakeVerifier(),
    clock,
    metrics: new AdmissionMetrics(new Registry()),
    log: console,
    hotCacheDurationMs: 120_000,
    effects: { run: () => {} },
    onStoreFailure: (error) => {
      throw error;
    },
  });
  const byId = new Map(events.map((event) => [event.id, event]));
  const everStored: NostrEvent[] = [];
  admission.feed.onAccepted(({ event, stored }) => {
    if (stored) everStored.push(event);
  });
  const submit = (event: NostrEvent) =>
    void admission.submit(event, { type: 'catchup', relay: 'wss://r.example' });
  admission.onWanted((ids) => {
    for (const id of ids) clock.after(1, () => submit(byId.get(id) as NostrEvent));
  });
  for (const event of events) {
    submit(event);
    // Half of what is refused is no longer at hand when what it misses arrives.
    await clock.advance(1_000);
  }
  await clock.advance(10_000);
  const stored: NostrEvent[] = [];
  for await (const chunk of store.query([{}])) for (const { event } of chunk) stored.push(event);
  return { stored, everStored, nowSeconds: clock.now() / 1000 };
}

function missingFrom(
  events: readonly NostrEvent[],
  { stored, everStored, nowSeconds }: Awaited<ReturnType<typeof admitAll>>,
  names: Names,
): string[] {
  const kept = new KeptEvents(names.isOurs, names.relayOf);
  for (const event of stored) kept.add(event);
  const departures = new Departures(everStored);
  return events
    .filter(
      (event) =>
        isStorable(event) &&
        !isEarly(event, nowSeconds) &&
        !kept.byId.has(event.id) &&
        isAcceptable(event, kept, names),
    )
    .filter((event) => !departures.explain(event, nowSeconds))
    .map(brief);
}

describe('what is refused for want of something is stored once that arrives, in any order (docs/sync.md §6)', () => {
  it.each(Array.from({ length: 40 }, (_, index) => index + 1))('world %i', async (seed) => {
    const { universe } = drawScenario(seed);
    const names = namesOf(universe.cast);
    const events = shuffled(
      seededRandom(seed),
      universe.publications
        .map(({ event }) => event)
        .filter(({ created_at }) => Number.isSafeInteger(created_at)),
    );
    const result = await admitAll(events);
    const acceptable = acceptableInSomeOrder(events, names);
    expect(result.everStored.filter(({ id }) => !acceptable.byId.has(id)).map(brief)).toEqual([]);
    expect(missingFrom(events, result, names)).toEqual([]);
  });
});
