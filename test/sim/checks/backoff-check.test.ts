import { describe, expect, it } from 'vitest';
import { defaultSyncSettings } from '../../../src/sync/settings.js';
import type { DialRecord } from '../network/network.js';
import { BackoffCheck } from './backoff-check.js';

const url = 'wss://r.example';
const failed = (startedAt: number, life = 0): DialRecord => ({ url, life, startedAt, failedAt: startedAt });
const connected = (openedAt: number, endedAt: number): DialRecord => ({
  url,
  life: 0,
  startedAt: openedAt,
  openedAt,
  endedAt,
});

function reportsOn(...dials: DialRecord[]): number {
  let reports = 0;
  const check = new BackoffCheck(defaultSyncSettings, () => {
    reports += 1;
  });
  for (const dial of dials) check.onDial(dial);
  return reports;
}

describe('BackoffCheck', () => {
  it('asks for twice the distance after each failure', () => {
    expect(reportsOn(failed(0), failed(5_000), failed(15_000), failed(35_000))).toBe(0);
    expect(reportsOn(failed(0), failed(4_000))).toBe(1);
    expect(reportsOn(failed(0), failed(5_000), failed(14_000))).toBe(1);
  });

  it('gives a free reconnect after a stable minute only', () => {
    expect(reportsOn(connected(0, 60_000), failed(60_000))).toBe(0);
    expect(reportsOn(connected(0, 59_000), failed(59_000))).toBe(1);
  });

  it('begins anew with a new process, and sees two connections at once', () => {
    expect(reportsOn(failed(0), failed(1, 1))).toBe(0);
    expect(reportsOn({ url, life: 0, startedAt: 0 }, failed(1))).toBe(1);
  });

  it('asks for a day after a day of failure', () => {
    const day = 86_400_000;
    const dials: DialRecord[] = [];
    for (let at = 0; at <= day; at += 3_600_000) dials.push(failed(at));
    expect(reportsOn(...dials)).toBe(0);
    expect(reportsOn(...dials, failed(day + 3_600_000))).toBe(1);
  });
});
