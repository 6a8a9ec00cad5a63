import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { LogWrite } from '../../src/store/log/log-target.js';
import type { Query } from '../../src/store/postgres/database.js';
import { PostgresLog } from '../../src/store/postgres/postgres-log.js';
import { VirtualClock } from '../support/virtual-clock.js';

const write: LogWrite = {
  segments: new Map([[1, Buffer.from('segment')]]),
  goneSegments: [],
  bodies: new Map(),
  goneBodies: [],
  journal: new Map(),
  reasons: undefined,
  compactedThrough: undefined,
};

const away = Object.assign(new Error('the database system is starting up'), { code: '57P03' });

const lease = { fence: 1, turn: 0, nextTurn: async () => {} };

function logOn(query: Query): { log: PostgresLog; clock: VirtualClock } {
  const clock = new VirtualClock(0);
  return {
    log: new PostgresLog({ reading: { query }, writing: { query } }, lease, clock, async () => {}),
    clock,
  };
}

it('tries a write again until the database is back, and says meanwhile what it waits for', async () => {
  let tries = 0;
  const { log, clock } = logOn(async () => {
    tries += 1;
    if (tries < 5) throw away;
    return [{ held: 1 }];
  });
  const written = log.write(write);
  await clock.advance(limits.databaseRetryMsMin);
  expect(log.outage).toEqual({ sinceMs: expect.any(Number), reason: away.message });
  await clock.advance(16 * limits.databaseRetryMsMin);
  await written;
  expect(tries).toBe(5);
  expect(log.outage).toBeUndefined();
});

it('is given up at the end when the database stays away', async () => {
  const { log, clock } = logOn(async () => {
    throw away;
  });
  const written = log.write(write).catch((error: unknown) => error);
  await clock.advance(limits.databaseRetryMsMin);
  log.end();
  await clock.advance(limits.databaseWaitMsMax - 2 * limits.databaseRetryMsMin);
  expect(log.outage).toBeDefined();
  await clock.advance(limits.databaseRetryMsMax);
  expect(await written).toMatchObject({ code: 'store_write_failed' });
});

it('ends with the first failure that does not pass, and where another has the lease', async () => {
  const broken = Object.assign(new Error('relation "graspd_log" does not exist'), { code: '42P01' });
  await expect(
    logOn(async () => {
      throw broken;
    }).log.write(write),
  ).rejects.toMatchObject({ code: 'store_write_failed' });
  await expect(logOn(async () => [{ held: 0 }]).log.write(write)).rejects.toMatchObject({
    code: 'store_locked',
  });
});
