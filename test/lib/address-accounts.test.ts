import { describe, expect, it } from 'vitest';
import { AddressAccounts } from '../../src/lib/budgets/address-accounts.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import { minuteMs } from '../../src/lib/clock.js';
import { accountsOf } from '../support/accounts.js';
import { VirtualClock } from '../support/virtual-clock.js';

const limits = {
  connectionsMax: 2,
  requestsPerMinuteMax: 3,
  pushesPerMinuteMax: 2,
  eventsPerMinuteMax: 4,
  eventBytesPerMinuteMax: 1_000,
  failedAuthorizationsPerMinuteMax: undefined,
  bytesPerMinuteMax: 10_000,
  violations: undefined,
};

describe('the account of an address', () => {
  it('refuses what is above each limit with what to do, and takes it again as time passes', async () => {
    const clock = new VirtualClock();
    const account = accountsOf(limits, clock).of('192.0.2.1');
    const seen = (take: () => string | undefined, times: number) =>
      Array.from({ length: times }, take).filter((reason) => reason === undefined).length;
    expect(seen(() => account.openConnection(), 5)).toBe(2);
    expect(seen(() => account.takeRequest(), 5)).toBe(3);
    expect(seen(() => account.takeEvent(1), 5)).toBe(4);
    expect(account.openConnection()).toBe(
      'rate-limited: at most 2 connections from one address; close others first',
    );
    expect(account.takeRequest()).toBe(
      'rate-limited: at most 3 requests a minute from one address; wait a minute',
    );
    expect(account.takeEvent(1)).toBe(
      'rate-limited: at most 4 events a minute from one address; wait a minute',
    );
    account.closeConnection();
    await clock.advance(minuteMs);
    expect(account.openConnection()).toBeUndefined();
    expect(seen(() => account.takeRequest(), 5)).toBe(3);
    expect(seen(() => account.takeEvent(1), 5)).toBe(4);
  });

  it('counts bytes of events, and of all traffic, in arrears', async () => {
    const clock = new VirtualClock();
    const account = accountsOf(limits, clock).of('192.0.2.1');
    expect(account.takeEvent(2_500)).toBeUndefined();
    expect(account.takeEvent(1)).toContain('at most 1000 bytes of events a minute');
    account.addBytes(25_000);
    expect(account.takeRequest()).toContain('at most 10000 bytes a minute for one address');
    await clock.advance(minuteMs);
    expect(account.takeEvent(1)).toMatch(/^rate-limited: /);
    await clock.advance(minuteMs);
    expect(account.takeEvent(1)).toBeUndefined();
    expect(account.takeRequest()).toBeUndefined();
  });

  it('has no limits for what is on this machine', () => {
    const account = accountsOf(limits).of(localAddressGroup);
    account.addBytes(1e12);
    for (let time = 0; time < 100; time += 1) {
      expect([account.openConnection(), account.takeRequest(), account.takeEvent(1e9)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });
});

describe('what strangers store', () => {
  it('makes the pushes of an address wait once it has its minute', () => {
    const clock = new VirtualClock();
    const accounts = accountsOf({ pushesPerMinuteMax: 2 }, clock);
    const push = () => accounts.of('192.0.2.1').takePush();
    expect([push(), push()]).toEqual([undefined, undefined]);
    expect(push()).toBe('rate-limited: at most 2 pushes a minute from one address; wait a minute');
    expect(accounts.of('192.0.2.2').takePush()).toBeUndefined();
  });

  it('is bounded by address, in a day', async () => {
    const clock = new VirtualClock();
    const accounts = accountsOf({ strangerEventsPerDayMax: 2 }, clock);
    const take = (group: string) => accounts.of(group).takeStrangerEvent();
    expect([take('a'), take('a')]).toEqual([undefined, undefined]);
    expect(take('a')).toMatch(/^rate-limited: at most 2 deletions and lists of strangers a day/);
    expect(take('b')).toBeUndefined();
    await clock.advance(12 * 60 * minuteMs);
    expect([take('a'), take('a')]).toEqual([undefined, expect.stringMatching(/^rate-limited:/)]);
  });
});

describe('the accounts of all addresses', () => {
  it('forget who is idle, and never who is connected or used its share', async () => {
    const clock = new VirtualClock();
    const accounts = accountsOf(limits, clock);
    accounts.of('connected').openConnection();
    accounts.of('busy').takeEvent(1);
    for (let number = 0; number < 500; number += 1) accounts.of(`idle ${number}`);
    expect(accounts.size).toBeLessThan(5);
    expect(accounts.of('busy').isIdle).toBe(false);
    expect(accounts.of('connected').isConnected).toBe(true);
    await clock.advance(minuteMs);
    for (let number = 0; number < 10; number += 1) accounts.of(`idle ${number}`);
    expect(accounts.size).toBeLessThan(4);
    expect(accounts.refusals.size).toBe(0);
  });

  it('are bounded beside those that are connected', () => {
    const accounts = new AddressAccounts(new VirtualClock(), { ...limits, strangerEventsPerDayMax: 10 }, 50);
    accounts.of('connected').openConnection();
    for (let number = 0; number < 5_000; number += 1) accounts.of(`busy ${number}`).takeEvent(1);
    expect(accounts.size).toBeLessThanOrEqual(51);
    expect(accounts.of('connected').isConnected).toBe(true);
  });
});
