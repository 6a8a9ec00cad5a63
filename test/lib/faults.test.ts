import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Growth } from '../../src/lib/collections/growth.js';
import { Faults, withGuardedTimers } from '../../src/lib/faults.js';
import { silentFaults } from '../support/faults.js';
import { VirtualClock } from '../support/virtual-clock.js';

it('a fault is logged with what it was for, counted, and ends that', () => {
  const lines: string[] = [];
  const faults = new Faults(pino({}, { write: (line: string) => lines.push(line) }));
  const ended: string[] = [];
  const callback = faults.guard(
    'client',
    () => ended.push('this one'),
    (text: string) => {
      throw new TypeError(`no ${text}`);
    },
  );
  callback('thanks');
  expect(ended).toEqual(['this one']);
  expect(faults.counts).toEqual(new Map([['client', 1]]));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ owner: 'client', reason: 'no thanks' });
});

it('an end that fails too is one more fault', () => {
  const faults = silentFaults();
  const fault = () => {
    throw new Error('no');
  };
  faults.guard('remote', fault, fault)();
  expect(faults.counts).toEqual(new Map([['remote', 2]]));
});

it('a timer that throws ends by itself, and others go on', async () => {
  const faults = silentFaults();
  const virtual = new VirtualClock();
  const clock = withGuardedTimers(virtual, faults);
  let fired = 0;
  clock.after(1, () => {
    throw new Error('no');
  });
  clock.after(2, () => {
    fired += 1;
  });
  await virtual.advance(5);
  expect(fired).toBe(1);
  expect(faults.counts).toEqual(new Map([['timer', 1]]));
});

it('growth is never negative, whatever the figure does', () => {
  const growth = new Growth();
  expect([3, 5, 4, 5, 9, Number.NaN, 2, 10].map((figure) => growth.since(figure))).toEqual([
    3, 2, 0, 0, 4, 0, 0, 1,
  ]);
});
