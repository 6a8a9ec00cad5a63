import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AskedId,
  accountFor,
  askLength,
  newFetchSizeEstimate,
} from '../../src/sync/fetch/fetch-size-estimate.js';

fc.configureGlobal({ seed: 20260101 });

/** Plays a download to its end; returns how often each id was asked for, and what was given up. */
function play(
  ids: number,
  serve: (ask: string[]) => { served: string[]; forged?: string[]; failed?: boolean },
) {
  let estimate = newFetchSizeEstimate(300);
  let queue: AskedId[] = Array.from({ length: ids }, (_, id) => ({ id: `${id}`, asks: 0 }));
  const asked = new Map<string, number>();
  const arrived = new Set<string>();
  const unserved = new Set<string>();
  let asks = 0;
  while (queue.length > 0) {
    asks += 1;
    if (asks > 20_000) throw new Error('without end');
    const ask = queue.slice(0, askLength(estimate, queue, 300));
    queue = queue.slice(ask.length);
    for (const { id } of ask) asked.set(id, (asked.get(id) ?? 0) + 1);
    const { served, forged = [], failed = false } = serve(ask.map(({ id }) => id));
    for (const id of served) arrived.add(id);
    const came = new Set([...served, ...forged]);
    const result = accountFor(estimate, ask, { came, served: new Set(served), failed });
    estimate = result.estimate;
    queue.push(...result.again);
    for (const id of result.unserved) unserved.add(id);
  }
  return { asked, arrived, unserved, asks, estimate };
}

describe('every asked id is accounted for (docs/sync.md §5)', () => {
  it('an id that is not served is asked once more, then remembered as unserved', () => {
    const missing = new Set(['7', '8']);
    const { asked, unserved, arrived } = play(290, (ask) => ({
      served: ask.filter((id) => !missing.has(id)),
    }));
    expect(unserved).toEqual(missing);
    expect(asked.get('7')).toBe(2);
    expect(asked.get('1')).toBe(1);
    expect(arrived.size).toBe(288);
  });

  it('a relay that serves nothing is asked twice', () => {
    const { asked, asks, unserved } = play(300, () => ({ served: [] }));
    expect(new Set(asked.values())).toEqual(new Set([2]));
    // The second time in smaller asks, for it may look at the first ids of an ask only.
    expect(asks).toBe(1 + 30);
    expect(unserved.size).toBe(300);
  });

  it('a relay that answers an ask with a part, for its cap, gives everything in smaller asks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 400 }), (ids, cap) => {
        const { arrived, unserved } = play(ids, (ask) => ({ served: ask.slice(0, cap) }));
        expect(arrived.size).toBe(ids);
        expect(unserved.size).toBe(0);
      }),
    );
  });

  it('a relay that refuses asks above its cap gives everything in smaller asks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 400 }), (ids, cap) => {
        const { arrived } = play(ids, (ask) =>
          ask.length > cap ? { served: [], failed: true } : { served: ask },
        );
        expect(arrived.size).toBe(ids);
      }),
    );
  });

  it('a relay that looks at the first ids only, and lists some that it has not, gives all that it has', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 800 }),
        fc.integer({ min: 10, max: 400 }),
        (has, cap) => {
          const { arrived, unserved } = play(has.length, (ask) => ({
            served: ask.slice(0, cap).filter((id) => has[Number(id)]),
          }));
          expect(arrived.size).toBe(has.filter(Boolean).length);
          expect(arrived.size + unserved.size).toBe(has.length);
        },
      ),
    );
  });

  it('a relay that lists far more than it has, and spoils some of that, is asked for little more than twice', () => {
    const { asks, arrived, unserved } = play(600, (ask) => {
      const held = ask.filter((id) => Number(id) % 20 === 0);
      return {
        served: held.filter((id) => Number(id) % 60 !== 0),
        forged: held.filter((id) => Number(id) % 60 === 0),
      };
    });
    expect(arrived.size).toBe(20);
    expect(unserved.size).toBe(580);
    expect(asks).toBeLessThan(90);
  });

  it('what comes forged twice is given up, however much the relay looks at', () => {
    const { asked, unserved } = play(20, (ask) => ({ served: [], forged: ask.slice(0, 1) }));
    expect(unserved.size).toBe(20);
    expect(asked.get('0')).toBe(2);
  });

  it('a relay that cuts its answers, wherever in the ask, gives everything that it has', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 800 }), fc.integer({ min: 1, max: 60 }), (has, cap) => {
        const { arrived } = play(has.length, (ask) => ({
          served: ask.filter((id) => has[Number(id)]).slice(-cap),
        }));
        expect(arrived.size).toBe(has.filter(Boolean).length);
      }),
    );
  });

  it('asks for more at once again when all of it came', () => {
    const { estimate } = play(5_000, (ask) => ({
      served: ask.filter((id) => Number(id) > 100 || id === '1'),
    }));
    expect(estimate.askSize).toBe(300);
  });

  it('ends, and accounts for each id once, whatever the relay does', () => {
    fc.assert(
      fc.property(
        fc.nat(400),
        fc.infiniteStream(fc.tuple(fc.nat(300), fc.nat(300), fc.boolean())),
        (ids, turns) => {
          const { arrived, unserved } = play(ids, (ask) => {
            const [served, forged, failed] = turns.next().value as [number, number, boolean];
            return { served: ask.slice(0, served), forged: ask.slice(-forged - 1), failed };
          });
          expect(arrived.size + unserved.size).toBe(ids);
        },
      ),
      { numRuns: 50 },
    );
  });
});
