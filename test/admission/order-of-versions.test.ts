import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import { addressOf, formatAddress, supersedes } from '../../src/nostr/address.js';
import { deletionTargets, isDeletion } from '../../src/nostr/deletion.js';
import { eventHash, isExpired, type NostrEvent } from '../../src/nostr/event.js';
import { accept } from '../../src/policy/decision.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { createFakeVerifier } from '../sim/daemon/fake-verifier.js';
import { shuffled } from '../sim/random.js';
import { signatureOf } from '../sim/world/signing.js';
import { hex32 } from '../store/support/events.js';
import { VirtualClock } from '../support/virtual-clock.js';

const start = Date.UTC(2026, 0, 1);
const startSeconds = start / 1000;
const epochs = 4;
const epochSeconds = 100;
const authors = [hex32('alice'), hex32('bob')] as const;

const pick = <T>(random: Random, values: readonly T[]): T =>
  values[randomInteger(random, values.length)] as T;

/** Versions, notes and deletion requests, with few times, addresses and authors; many expire when an epoch ends. */
function randomEvents(random: Random, count: number): NostrEvent[] {
  const events: NostrEvent[] = [];
  for (let at = 0; at < count; at += 1) {
    const pubkey = pick(random, authors);
    const kind = pick(random, [1, 5, 5, 10_317, 30_617, 30_617]);
    const tags: string[][] = kind === 30_617 ? [['d', pick(random, ['a', 'b'])]] : [];
    const target = kind === 5 && events.length > 0 ? pick(random, events) : undefined;
    const address = target === undefined ? undefined : addressOf(target);
    if (address !== undefined && randomInteger(random, 2) === 0) tags.push(['a', formatAddress(address)]);
    else if (target !== undefined) tags.push(['e', target.id]);
    if (randomInteger(random, 3) === 0)
      tags.push(['expiration', String(startSeconds + epochSeconds * (1 + randomInteger(random, epochs)))]);
    const created_at = startSeconds - 10 + randomInteger(random, 6);
    const body = { pubkey, kind, tags, created_at, content: String(at) };
    const id = eventHash({ ...body, id: '', sig: '' });
    events.push({ ...body, id, sig: signatureOf(id) });
  }
  return events;
}

/** One daemon as far as this goes: what other relays send goes through its admission. */
function createDaemon() {
  const clock = new VirtualClock(start);
  const { store, refused } = createMemoryStore({ clock });
  const admission = new AdmissionPipeline({
    store,
    refused,
    policy: {
      precheck: () => undefined,
      decide: () => accept(),
      onStored: () => {},
      onRemoved: () => [],
      retryCandidates: () => [],
    },
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
  const take = async (events: readonly NostrEvent[]) => {
    for (const event of events) void admission.submit(event, { type: 'catchup', relay: 'wss://r.example' });
    await clock.advance(1_000);
  };
  const isKnown = ({ id }: NostrEvent) => store.has(id) || refused.reasonFor(id) !== undefined;
  return {
    take,
    /** Asks for what is not known of all that there is, until all is known; what was asked for in each round. */
    async catchUp(all: readonly NostrEvent[]): Promise<number[]> {
      const asked: number[] = [];
      for (let missing = all.filter((event) => !isKnown(event)); missing.length > 0 && asked.length < 5; ) {
        asked.push(missing.length);
        await take(missing);
        missing = all.filter((event) => !isKnown(event));
      }
      return asked;
    },
    async endEpoch(epoch: number): Promise<void> {
      await clock.advance(start + (epoch + 1) * epochSeconds * 1000 - clock.now());
      await admission.sweep();
    },
    stored: () => store.ids({}).sort(),
  };
}

/** What anybody holds who saw all those events before they expired. */
function expected(seen: readonly NostrEvent[], nowSeconds: number): string[] {
  const requests = seen.filter(isDeletion);
  const isDeleted = (event: NostrEvent) =>
    !isDeletion(event) &&
    requests.some((request) => {
      if (request.pubkey !== event.pubkey) return false;
      const { ids, addresses } = deletionTargets(request);
      const address = addressOf(event);
      const isNamed =
        address !== undefined && addresses.some((one) => formatAddress(one) === formatAddress(address));
      return ids.includes(event.id) || (isNamed && event.created_at <= request.created_at);
    });
  const living = seen.filter((event) => !isExpired(event, nowSeconds) && !isDeleted(event));
  const isSuperseded = (event: NostrEvent) => {
    const address = addressOf(event);
    if (address === undefined) return false;
    return living.some((other) => {
      const place = addressOf(other);
      return (
        place !== undefined && formatAddress(place) === formatAddress(address) && supersedes(other, event)
      );
    });
  };
  return living
    .filter((event) => !isSuperseded(event))
    .map(({ id }) => id)
    .sort();
}

describe('two daemons that saw the same events in another order', () => {
  it('hold the same, as events are deleted and expire, and each asks for what it lacks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed);
        const events = randomEvents(random, 60);
        const daemons = [createDaemon(), createDaemon()];
        const seen: NostrEvent[] = [];
        for (let epoch = 0; epoch < epochs; epoch += 1) {
          const now = startSeconds + epoch * epochSeconds;
          const share = events.filter((event, at) => at % epochs === epoch && !isExpired(event, now));
          seen.push(...share);
          for (const daemon of daemons) {
            await daemon.take(shuffled(random, share));
            const asked = await daemon.catchUp(shuffled(random, seen));
            expect(asked.length).toBeLessThan(4);
            expect(daemon.stored()).toEqual(expected(seen, now));
            // Nothing is asked for twice.
            expect(await daemon.catchUp(seen)).toEqual([]);
          }
          for (const daemon of daemons) await daemon.endEpoch(epoch);
        }
      }),
      { numRuns: 60, seed: 11 },
    );
  });
});
