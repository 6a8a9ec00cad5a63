import { describe, expect, it } from 'vitest';
import { type HealthEvent, type RelayHealth, RelayHealthTracker } from '../../src/sync/relay/health.js';
import { defaultSyncSettings } from '../../src/sync/settings.js';

const tracker = new RelayHealthTracker(defaultSyncSettings);
const noJitter = { next: () => 0 };
const mostJitter = { next: () => 0.999999 };
const second = 1000;
const hour = 3600 * second;

function start(): RelayHealth {
  return tracker.start('wss://relay.example', 0, noJitter);
}

/** Fails at each of its retry times, `count` times. */
function failing(health: RelayHealth, count: number): RelayHealth[] {
  const states: RelayHealth[] = [];
  let current = health;
  for (let failures = 0; failures < count; failures += 1) {
    current = tracker.next(
      current,
      { type: 'connect-failed', failure: 'refused' },
      current.nextRetryAt,
      noJitter,
    );
    states.push(current);
  }
  return states;
}

const step = (health: RelayHealth, event: HealthEvent, now: number) =>
  tracker.next(health, event, now, noJitter);

describe('health (docs/sync.md §2)', () => {
  it('is a value: url, status, failures in a row, last failure and success, next try', () => {
    const begun = start();
    expect(begun).toMatchObject({
      consecutiveFailures: 0,
      lastFailureAt: undefined,
      lastSuccessAt: undefined,
    });
    const connected = step(begun, { type: 'connected' }, 7_000);
    expect(connected).toMatchObject({ status: { type: 'healthy' }, lastSuccessAt: 7_000 });
    const lost = step(connected, { type: 'disconnected', failure: 'protocol' }, 9_000);
    expect(lost).toMatchObject({
      url: 'wss://relay.example',
      consecutiveFailures: 1,
      lastFailureAt: 9_000,
      lastSuccessAt: 7_000,
    });
    expect(lost.nextRetryAt).toBeGreaterThan(9_000);
  });

  it('begins in Backoff{attempt: 0}, its first try 5 s + 0–2 s away', () => {
    expect(start().status).toEqual({ type: 'backoff', attempt: 0 });
    expect(start().nextRetryAt).toBe(5 * second);
    expect(tracker.start('wss://relay.example', 0, mostJitter).nextRetryAt).toBe(7 * second);
  });

  it('waits min(5 s · 2^attempt, 1 h): 5, 10, 20 … 3600 s', () => {
    const first = start();
    const states = [first, ...failing(first, 11)];
    const waits = states.map((state, index) => state.nextRetryAt - (states[index - 1]?.nextRetryAt ?? 0));
    expect(waits.map((wait) => wait / second)).toEqual([
      5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600,
    ]);
  });

  it('begins again with 5 s after it was healthy', () => {
    const healthy = step(step(start(), { type: 'connected' }, 5 * second), { type: 'stable' }, 65 * second);
    const lost = step(healthy, { type: 'disconnected', failure: undefined }, 100 * second);
    const [failed] = failing(lost, 1);
    expect(failed?.status).toEqual({ type: 'backoff', attempt: 0 });
    expect(failed?.nextRetryAt).toBe(105 * second);
  });

  it('adds jitter after the cap', () => {
    const capped = failing(start(), 20).at(-1) as RelayHealth;
    const now = capped.nextRetryAt;
    const next = tracker.next(capped, { type: 'connect-failed', failure: 'dns' }, now, mostJitter);
    expect(next.nextRetryAt - now).toBe(hour + 2 * second);
  });

  it('reconnects at once after a connection that was stable for a minute', () => {
    const open = step(step(start(), { type: 'connected' }, 5 * second), { type: 'stable' }, 65 * second);
    const lost = step(open, { type: 'disconnected', failure: undefined }, 65 * second);
    expect(lost.status).toEqual({ type: 'healthy' });
    expect(lost.nextRetryAt).toBe(65 * second);
    expect(lost.consecutiveFailures).toBe(0);
  });

  it('does not dial a relay in a tight loop that accepts and drops us at once', () => {
    let health = start();
    let now = 0;
    const gaps: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      now = health.nextRetryAt;
      health = step(health, { type: 'connected' }, now);
      now += second;
      health = step(health, { type: 'disconnected', failure: undefined }, now);
      gaps.push((health.nextRetryAt - now) / second);
    }
    expect(gaps).toEqual([10, 20, 40, 80, 160, 320]);
    expect(health.consecutiveFailures).toBe(6);
  });

  it('takes silence and protocol violations for failures, however long the connection stood', () => {
    const open = step(step(start(), { type: 'connected' }, 5 * second), { type: 'stable' }, 65 * second);
    const lost = step(open, { type: 'disconnected', failure: 'timeout' }, 10 * hour);
    expect(lost.status).toEqual({ type: 'backoff', attempt: 0 });
    expect(lost.nextRetryAt).toBe(10 * hour + 5 * second);
    expect(lost.consecutiveFailures).toBe(1);
  });

  it('leaves a relay that stands for a while and goes silent, time and again, alone for longer and longer', () => {
    let health = start();
    const waits: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      const connectedAt = health.nextRetryAt;
      health = step(health, { type: 'connected' }, connectedAt);
      health = step(health, { type: 'stable' }, connectedAt + 60 * second);
      health = step(health, { type: 'disconnected', failure: 'timeout' }, connectedAt + 90 * second);
      waits.push((health.nextRetryAt - connectedAt - 90 * second) / second);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
  });

  it('is dead after 24 h of unbroken failure, and then tried once a day', () => {
    const states = failing(start(), 60);
    const dead = states.find(({ status }) => status.type === 'dead') as RelayHealth;
    const before = states[states.indexOf(dead) - 1] as RelayHealth;
    expect(before.status.type).toBe('backoff');
    expect((dead.lastFailureAt as number) - (dead.failingSince as number)).toBeGreaterThanOrEqual(24 * hour);
    expect((before.lastFailureAt as number) - (before.failingSince as number)).toBeLessThan(24 * hour);
    expect(dead.nextRetryAt - (dead.lastFailureAt as number)).toBe(24 * hour);
    const after = failing(dead, 1)[0] as RelayHealth;
    expect(after.status).toEqual({ type: 'dead' });
    expect(after.nextRetryAt - dead.nextRetryAt).toBe(24 * hour);
  });

  it('leaves a relay that refuses us alone until its daily try', () => {
    const open = step(start(), { type: 'connected' }, 5 * second);
    const denied = step(open, { type: 'denied' }, 6 * second);
    expect(denied.nextRetryAt).toBe(24 * hour + 6 * second);
    expect(denied.lastFailure).toBe('policy');
  });

  it('is pure: the same state, event, time and random give the same state, and nothing is changed', () => {
    const state = Object.freeze(start());
    const event: HealthEvent = { type: 'connect-failed', failure: 'tls' };
    expect(step(state, event, 5000)).toEqual(step(state, event, 5000));
  });
});
