import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { RequestTurns } from '../../src/http/request-turns.js';

/** Turns that are begun by hand, on a clock that goes on by what requests cost. */
function world(costMs: number) {
  let nowMs = 0;
  const tasks: (() => void)[] = [];
  const turns = new RequestTurns({ monotonic: () => nowMs }, (task) => void tasks.push(task));
  const begun: string[] = [];
  const run = (name: string) => {
    begun.push(name);
    nowMs += costMs;
  };
  return {
    begun,
    ask(group: string, name: string): void {
      const turn = turns.enter(group);
      if (turn === undefined) run(name);
      else void turn.then(() => run(name));
    },
    /** One turn, with what goes on behind it; gives the requests that were begun in it. */
    async turn(): Promise<string[]> {
      const before = begun.length;
      for (const task of tasks.splice(0)) task();
      for (let hops = 0; hops < 5; hops += 1) await Promise.resolve();
      return begun.slice(before);
    },
  };
}

describe('requests that come at once', () => {
  it('are begun at once where they cost less than a slice of the turn', () => {
    const { ask, begun } = world(0);
    for (let number = 0; number < 1_000; number += 1) ask('192.0.2.1', `${number}`);
    expect(begun).toHaveLength(1_000);
  });

  it('are begun in later turns, a few in each, where they cost more', async () => {
    const { ask, begun, turn } = world(1);
    for (let number = 0; number < 100; number += 1) ask('192.0.2.1', `${number}`);
    expect(begun).toHaveLength(limits.requestSliceMs);
    for (let turns = 0; begun.length < 100; turns += 1) {
      expect(turns).toBeLessThan(100);
      expect((await turn()).length).toBeLessThanOrEqual(limits.httpRequestsPerTurn);
    }
    expect(begun).toEqual(Array.from({ length: 100 }, (_, number) => `${number}`));
  });

  it('of one address do not keep another waiting', async () => {
    const { ask, turn } = world(limits.requestSliceMs);
    for (let number = 0; number < 8_000; number += 1) ask('192.0.2.1', 'flood');
    ask('192.0.2.2', 'honest');
    expect([...(await turn()), ...(await turn())]).toContain('honest');
  });

  it('are begun at once again when none waits any more', async () => {
    const { ask, begun, turn } = world(limits.requestSliceMs);
    for (let number = 0; number < 20; number += 1) ask('192.0.2.1', 'flood');
    while (begun.length < 20) await turn();
    await turn();
    await turn();
    ask('192.0.2.1', 'later');
    expect(begun.at(-1)).toBe('later');
  });
});
