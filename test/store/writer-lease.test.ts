import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import type { HeldLease } from '../../src/store/opened-store.js';
import { PostgresDatabase, type Query } from '../../src/store/postgres/database.js';
import { PostgresLog } from '../../src/store/postgres/postgres-log.js';
import { migrate } from '../../src/store/postgres/schema.js';
import { type LeaseHolder, WriterLease, writerLease } from '../../src/store/postgres/writer-lease.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { VirtualClock } from '../support/virtual-clock.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const nothing = {
  ...{ segments: new Map(), goneSegments: [], bodies: new Map(), goneBodies: [], journal: new Map() },
  ...{ reasons: undefined, compactedThrough: undefined },
};

it('is renewed in time, also where a connection gives no answer any more', async () => {
  const clock = new VirtualClock();
  const renewedAt: number[] = [];
  let isSilent = false;
  const query: Query = async (_text, _values, answerMsMax = limits.databaseAnswerMsMax) => {
    if (isSilent) {
      isSilent = false;
      await clock.sleep(answerMsMax);
      throw new Error('Query read timeout');
    }
    renewedAt.push(clock.monotonic());
    return [{ fence: 1 }];
  };
  const lease = await WriterLease.take({ query }, { holder: { name: 'one' }, clock });
  isSilent = true;
  await clock.advance(3 * limits.leaseMs);
  const pauses = renewedAt.slice(1).map((at, index) => at - renewedAt[index]!);
  expect(Math.max(...pauses)).toBeLessThan(limits.leaseMs);
  await lease[Symbol.asyncDispose]();
});

describe.skipIf(obstacle !== undefined)('the right to write to PostgreSQL', () => {
  let server: PostgresServer;
  let database: PostgresDatabase;

  beforeAll(async () => {
    server = await PostgresServer.start();
    database = await PostgresDatabase.open({
      url: await server.createDatabase('leases'),
      waitsForDisk: false,
    });
    await migrate(database);
  }, 60_000);

  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const take = (name: string, reached?: LeaseHolder['reached']) =>
    WriterLease.take(database, { holder: { name, reached }, clock: systemClock });
  const runOut = () =>
    database.query("UPDATE graspd_leases SET ends_at = now() - interval '1 second' WHERE name = $1", [
      writerLease,
    ]);

  it('is taken over when its holder is gone, and not before', async () => {
    await using first = await take('first');
    await expect(take('second')).rejects.toMatchObject({
      code: 'store_locked',
      message: expect.stringContaining('first'),
    });
    await runOut();
    await using second = await take('second');
    expect(second.fence).toBe(first.fence + 1);
    const logOf = (lease: WriterLease) =>
      new PostgresLog({ reading: database, writing: database }, lease, systemClock, async () => {});
    await expect(logOf(first).write(nothing)).rejects.toMatchObject({ code: 'store_locked' });
    await logOf(second).write(nothing);
  });

  it('is that of the last turn: what was given up and comes later takes no effect', async () => {
    await runOut();
    await using lease = await take('one');
    const statements: [text: string, values: readonly unknown[]][] = [];
    let isLost = true;
    const writing: Pick<PostgresDatabase, 'query'> = {
      async query(text, values = []) {
        statements.push([text, values]);
        if (!isLost) return await database.query(text, values);
        isLost = false;
        throw Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
      },
    };
    const log = new PostgresLog({ reading: database, writing }, lease, systemClock, async () => {});
    const record = (value: string) => ({ ...nothing, journal: new Map([['name', Buffer.from(value)]]) });
    await log.write(record('first'));
    await log.write(record('second'));
    // The first try arrives now.
    expect(await database.query(...statements[0]!)).toEqual([{ held: 0 }]);
    const [row] = await database.query("SELECT value FROM graspd_journal WHERE name = 'name'");
    expect(String(row?.value)).toBe('second');
  });

  it('is free at once when it is let go, and the one who waited has it', async () => {
    const reached = { url: 'http://192.0.2.1:7334', secret: 'secret' };
    const startMs = Date.now();
    const first = await take('first', reached);
    const takenMs = Date.now();
    const waited: (LeaseHolder | 'taken')[] = [];
    const seen: HeldLease[] = [];
    const waiting = {
      signal: new AbortController().signal,
      onWait: (holder: LeaseHolder) => waited.push(holder),
      onLook: (lease: HeldLease) => seen.push(lease),
      end: async () => void waited.push('taken'),
    };
    // The one who waits asks again when this clock says so.
    let askAgain = () => {};
    const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => (askAgain = resolve)) };
    const taken = WriterLease.take(database, { holder: { name: 'second' }, clock, waiting });
    while (waited.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await first[Symbol.asyncDispose]();
    askAgain();
    const second = await taken;
    expect(waited).toEqual([{ name: 'first', reached }, 'taken']);
    // How long the other has it is told as soon as who has it, and never for too long.
    expect(seen[0]?.holder).toBe('first');
    expect(seen[0]?.untilMs).toBeGreaterThan(startMs);
    for (const { untilMs } of [seen[0] as HeldLease, first.held])
      expect(untilMs).toBeLessThanOrEqual(takenMs + 1 + limits.leaseMs);
    expect(second.held.holder).toBe('second');
    expect(second.held.untilMs).toBeGreaterThanOrEqual(first.held.untilMs);
    expect(second.fence).toBeGreaterThan(first.fence);
    const ended = second[Symbol.asyncDispose]();
    askAgain();
    await ended;
  });
});
