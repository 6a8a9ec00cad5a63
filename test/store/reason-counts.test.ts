import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { otherReasons, ReasonCounts } from '../../src/store/refused/reason-counts.js';

describe('counts of reasons', () => {
  it('leave out what reasons quote of events, and begin with the most frequent', () => {
    const counts = new ReasonCounts();
    counts.count("invalid: 'refs/heads/a' has two values");
    counts.count('blocked: x');
    counts.count("invalid: 'refs/heads/b' has two values");
    expect(counts.list()).toEqual([
      { reason: "invalid: '…' has two values", count: 2 },
      { reason: 'blocked: x', count: 1 },
    ]);
  });

  it('are bounded: the rest is counted together', () => {
    const counts = new ReasonCounts();
    for (let number = 0; number < 10_000; number += 1) counts.count(`invalid: ${number}`);
    counts.count('invalid: 0');
    const list = counts.list();
    expect(list.length).toBe(limits.refusedReasonsCountedMax + 1);
    expect(list[0]).toEqual({ reason: otherReasons, count: 10_000 - limits.refusedReasonsCountedMax });
    expect(list[1]).toEqual({ reason: 'invalid: 0', count: 2 });
  });
});
