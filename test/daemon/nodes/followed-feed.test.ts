import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { AdmissionOutcome } from '../../../src/admission/admission.js';
import { limits } from '../../../src/config/limits.js';
import { FollowedFeed } from '../../../src/daemon/nodes/followed-feed.js';
import { FollowerMetrics } from '../../../src/daemon/nodes/follower-metrics.js';
import { PublishedElsewhere } from '../../../src/daemon/nodes/published-elsewhere.js';
import { deferred } from '../../../src/lib/abort.js';
import { metricValue } from '../../../src/lib/gauge.js';
import type { WorkTurns } from '../../../src/lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { StoreError } from '../../../src/store/event-store.js';
import type { Followed } from '../../../src/store/following/log-follower.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { silentFaults } from '../../support/faults.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { endlessTurn, SteppedTurns } from '../../support/work-turns.js';

const author = testIdentity(1);
const nothing: Followed = { added: [], removed: [], position: 0, end: 0 };

function stored(sequence: number): Followed['added'][number] {
  const event = signedEvent(author, { content: String(sequence) });
  const json = JSON.stringify(event);
  return { id: event.id, sequence, json, bytes: Buffer.from(json), event };
}

/** A feed over a database of which the test says what each look finds. */
function followedFeed(turns: WorkTurns = endlessTurn) {
  const clock = new VirtualClock();
  const registry = new Registry();
  const found: (Followed | Error | Promise<Followed>)[] = [];
  const expired: NostrEvent[] = [];
  let looks = 0;
  let lastSequence = 5;
  const followed = {
    async advance() {
      looks += 1;
      const next = (await found.shift()) ?? nothing;
      if (next instanceof Error) throw next;
      lastSequence = next.added.at(-1)?.sequence ?? lastSequence;
      return next;
    },
    store: {
      get lastSequence() {
        return lastSequence;
      },
      removeExpired: () => ({
        removed: expired.splice(0).map((event) => ({ ...event, bytes: 100 })),
        lost: [],
        acceptable: [],
        written: Promise.resolve(),
      }),
    },
  };
  const served: number[] = [];
  const feed = new FollowedFeed({
    followed: followed as never,
    clock,
    faults: silentFaults(),
    metrics: new FollowerMetrics(registry),
    turns,
    onServed: (sequence) => served.push(sequence),
  });
  const heard: (number | string | undefined)[] = [];
  feed.feed.onAccepted(({ event, sequence }) => heard.push(sequence ?? event.content));
  feed.feed.onRemoved(({ removed }) => heard.push(...removed.map(({ id }) => id)));
  const stop = new AbortController();
  const run = feed.run(stop.signal);
  const metric = (name: string) => metricValue(registry, name);
  const delays = async () => {
    const values = (await registry.getSingleMetric('ngit_follower_delay_seconds')?.get())?.values ?? [];
    const of = (end: string) =>
      values.find(({ metricName }: MetricValue) => metricName?.endsWith(end))?.value;
    return { count: of('_count'), seconds: of('_sum') };
  };
  return { clock, feed, found, expired, heard, served, run, stop, metric, delays, looks: () => looks };
}

/** As prom-client gives the values of a histogram. */
type MetricValue = { readonly value: number; readonly metricName?: string };

describe('what another graspd writes', () => {
  it('is announced in the order of the log as soon as it is told, and each once', async () => {
    const { clock, feed, found, heard, looks, metric } = followedFeed();
    const gone = stored(3).event;
    found.push(
      { added: [stored(6), stored(7)], removed: [], position: 0, end: 1 },
      { added: [stored(8)], removed: [{ ...gone, bytes: 100 }], position: 1, end: 1 },
    );
    feed.written(8);
    expect(await metric('ngit_follower_lag_events')).toBe(3);
    await clock.advance(1);
    expect(heard).toEqual([6, 7, 8, gone.id]);
    expect(feed.feed.announced).toBe(8);
    expect(await metric('ngit_follower_lag_events')).toBe(0);
    expect(looks()).toBe(2);
    feed.passOn(signedEvent(author, { content: 'passing' }));
    expect(heard.at(-1)).toBe('passing');
    expect(feed.feed.announced).toBe(8);
  });

  it('may be that something left, which brings no sequence', async () => {
    const { clock, feed, found, heard, metric } = followedFeed();
    const gone = stored(3).event;
    found.push({ added: [], removed: [{ ...gone, bytes: 100 }], position: 1, end: 1 });
    feed.written(5);
    await clock.advance(1);
    expect(heard).toEqual([gone.id]);
    expect(await metric('ngit_follower_lag_events')).toBe(0);
  });

  it('is behind for no longer than it takes to serve it, however much is written meanwhile', async () => {
    const { clock, feed, found, served, delays } = followedFeed();
    const readMs = 10;
    feed.written(6);
    for (let sequence = 6; sequence < 106; sequence += 1) {
      const database = deferred<Followed>();
      found.push(database.promise);
      await clock.advance(readMs);
      // More is told of before what was told of is here.
      feed.written(sequence + 1);
      database.resolve({ added: [stored(sequence)], removed: [], position: 1, end: 1 });
      await clock.advance(0);
    }
    expect(served.at(-1)).toBe(105);
    expect(feed.behind.events).toBe(1);
    const { count = 0, seconds = 0 } = await delays();
    expect(count).toBeGreaterThan(40);
    expect((seconds / count) * 1_000).toBeLessThanOrEqual(2 * readMs);
  });

  it('is looked for now and then without a word', async () => {
    const { clock, found, heard, looks } = followedFeed();
    found.push({ added: [stored(6)], removed: [], position: 1, end: 1 });
    await clock.advance(limits.followerLookMs - 1);
    expect(looks()).toBe(0);
    await clock.advance(1);
    expect(heard).toEqual([6]);
  });

  it.each<[type: string, outcome: AdmissionOutcome]>([
    ['stored', { type: 'stored' }],
    ['known, of another graspd', { type: 'known', reason: 'duplicate: already have this event' }],
    ['older than one of another graspd', { type: 'superseded', reason: 'duplicate: have a newer version' }],
  ])('is served before who published it is told that it is %s', async (_, outcome) => {
    const { clock, feed, found, heard } = followedFeed();
    const database = deferred<Followed>();
    found.push(database.promise);
    const order: unknown[] = [];
    const door = new PublishedElsewhere(
      { submit: async () => outcome, waitForCapacity: async () => {}, hasCapacity: () => true },
      feed,
    );
    const answered = door.submit(stored(6).event, { type: 'direct' }).then(() => order.push('OK'));
    await clock.advance(1);
    expect(order).toEqual([]);
    database.resolve({ added: [stored(6)], removed: [], position: 1, end: 1 });
    await answered;
    expect(heard).toEqual([6]);
  });

  it('is announced in turns, and served when all of it is', async () => {
    const turns = new SteppedTurns();
    const { clock, feed, found, heard, served } = followedFeed(turns);
    found.push({ added: [stored(6), stored(7), stored(8)], removed: [], position: 1, end: 1 });
    feed.written(8);
    await clock.advance(1);
    for (const sequence of [6, 7, 8]) {
      expect(feed.feed.announced).toBe(sequence - 1);
      expect(served).toEqual([]);
      expect(await turns.step()).toBe(true);
    }
    expect(heard).toEqual([6, 7, 8]);
    expect(served).toEqual([8]);
  });

  it('does not keep who waits for what was written before, however much is written meanwhile', async () => {
    const { clock, feed, found } = followedFeed();
    const done: string[] = [];
    const ask = (name: string) => void feed.caughtUp().then(() => done.push(name));
    const look = (piece: Pick<Followed, 'position' | 'end'>) => {
      const database = deferred<Followed>();
      found.push(database.promise);
      return async () => {
        database.resolve({ added: [], removed: [], ...piece });
        await clock.advance(0);
      };
    };
    const [first, second, third, fourth] = [
      look({ position: 1, end: 2 }),
      look({ position: 2, end: 4 }),
      look({ position: 3, end: 6 }),
      look({ position: 4, end: 8 }),
    ] as const;
    look({ position: 5, end: 10 });
    ask('one');
    await clock.advance(1);
    ask('another');
    await first();
    expect(done).toEqual([]);
    await second();
    expect(done).toEqual(['one']);
    ask('a third');
    await third();
    expect(done).toEqual(['one']);
    await fourth();
    expect(done).toEqual(['one', 'another']);
  });

  it('is in a database that may be away: that is said after a while, and who waits is not kept', async () => {
    const { clock, feed, found, heard } = followedFeed();
    const away = new StoreError('store_unreadable', 'no route', { retryable: true });
    const looks = limits.databaseWaitMsMax / limits.followerLookMs;
    found.push(...Array.from({ length: looks + 1 }, () => away));
    const waiting = feed.caughtUp();
    await clock.advance(1);
    await waiting;
    await clock.advance(limits.databaseWaitMsMax - 2);
    expect(feed.awayReason).toBeUndefined();
    await clock.advance(2);
    expect(feed.awayReason).toContain('no route');
    found.length = 0;
    found.push({ added: [stored(6)], removed: [], position: 1, end: 1 });
    await clock.advance(limits.followerLookMs);
    expect(feed.awayReason).toBeUndefined();
    expect(heard).toEqual([6]);
  });

  it('cannot be followed where what was missed is gone: whoever runs it is told', async () => {
    const { clock, found, run } = followedFeed();
    found.push(new StoreError('store_left_behind', 'merged away'));
    const ended = run.catch((error: unknown) => error);
    await clock.advance(limits.followerLookMs);
    expect(await ended).toMatchObject({ code: 'store_left_behind' });
  });

  it('expires here too, which is told every minute', async () => {
    const { clock, expired, heard } = followedFeed();
    const event = signedEvent(author, { content: 'expiring' });
    await clock.advance(limits.followerLookMs);
    expired.push(event);
    await clock.advance(limits.expirySweepIntervalMs + limits.followerLookMs);
    expect(heard).toEqual([event.id]);
  });

  it('is followed no longer when it is asked to end, and nobody waits then', async () => {
    const { feed, run, stop } = followedFeed();
    const waiting = feed.caughtUp();
    stop.abort();
    await Promise.all([run, waiting]);
  });
});
