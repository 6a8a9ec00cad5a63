import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import type { FollowedStore } from '../../src/store/following/follow-log.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { PostgresDatabase } from '../../src/store/postgres/database.js';
import { openPostgresFollower } from '../../src/store/postgres/open-postgres-follower.js';
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.js';
import { migrate } from '../../src/store/postgres/schema.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { idsOf } from './support/answers.js';
import { makeEvent } from './support/events.js';

// So that the logs of tests are read in several pieces.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  const lowered: Record<string, unknown> = { databaseSegmentsPerRead: 3, storeFollowSegmentsMax: 4 };
  return { limits: { ...real, ...lowered } };
});

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('a store that follows a database of PostgreSQL', () => {
  let server: PostgresServer;
  let databases = 0;

  beforeAll(async () => {
    server = await PostgresServer.start();
    await server.query('CREATE ROLE reader LOGIN', 'postgres');
  }, 60_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  type Setting = {
    readonly database: string;
    readonly writer: OpenedStore;
    readonly openFollower: () => Promise<FollowedStore>;
    readonly folder: () => Promise<string>;
    readonly stack: ReleaseStack;
  };

  /** A database with a writer, and followers that may only read it. */
  async function setUp(): Promise<Setting> {
    databases += 1;
    const database = `followed_${databases}`;
    const stack = new ReleaseStack();
    const folder = async () => {
      const path = await mkdtemp(join(tmpdir(), 'graspd-follow-'));
      stack.defer(() => rm(path, { recursive: true, force: true }));
      return path;
    };
    const url = await server.createDatabase(database);
    await using migrating = await PostgresDatabase.open({ url, waitsForDisk: true });
    await migrate(migrating);
    await server.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader', database);
    // What is committed must outlive the server that is killed.
    const options = { clock: systemClock, waitsForDisk: true };
    const writer = await openPostgresStore({ ...options, url, path: await folder() });
    stack.use(writer.store);
    const followerPath = await folder();
    const readerUrl = url.replace('graspd@', 'reader@');
    const openFollower = () => openPostgresFollower({ ...options, url: readerUrl, path: followerPath });
    return { database, writer, openFollower, folder, stack };
  }

  async function advanceToEnd(
    follower: FollowedStore,
  ): Promise<{ added: string[]; removed: string[]; pieces: number }> {
    const all = { added: [] as string[], removed: [] as string[], pieces: 0 };
    for (let hasMore = true; hasMore; all.pieces += 1) {
      const followed = await follower.advance();
      for (const { id } of followed.added) all.added.push(id);
      for (const { id } of followed.removed) all.removed.push(id);
      hasMore = followed.position < followed.end;
    }
    return all;
  }

  const eventAt = (at: number) => makeEvent({ content: String(at), created_at: 1_700_000_000 + at });

  it('has what the writer has, from the log and as it goes on, and may only read', async () => {
    const { writer, openFollower, stack } = await setUp();
    await using _ = stack;
    const events = Array.from({ length: 20 }, (_, at) => eventAt(at));
    for (const event of events.slice(0, 8)) await writer.store.put(event).written;
    await writer.journal.put('a record', Buffer.from('value'));
    const follower = await openFollower();
    expect(await idsOf(follower.store, [{}])).toEqual(await idsOf(writer.store, [{}]));
    for (const event of events.slice(8)) await writer.store.put(event).written;
    await writer.store.remove(events[0]!.id).written;
    const { added, removed, pieces } = await advanceToEnd(follower);
    expect(added).toEqual(events.slice(8).map(({ id }) => id));
    expect(removed).toEqual([events[0]!.id]);
    expect(pieces).toBe(4);
    expect(await idsOf(follower.store, [{}])).toEqual(await idsOf(writer.store, [{}]));
    expect((await follower.store.get(events[19]!.id))?.event).toEqual(events[19]);
    const entries: string[] = [];
    for await (const { name } of follower.journal.entries()) entries.push(name);
    expect(entries).toEqual(['a record']);
    expect(follower.stats()).toMatchObject({ storedEvents: 19, logRecords: writer.stats().logRecords });

    // Again from its snapshot, whose account of the log is right.
    await follower[Symbol.asyncDispose]();
    await using again = await openFollower();
    expect(again.stats()).toEqual({ ...writer.stats(), indexBytes: expect.any(Number) });
    expect(await advanceToEnd(again)).toEqual({ added: [], removed: [], pieces: 1 });
  });

  it('leaves a snapshot from which another writes on', async () => {
    const { writer, database, folder, stack } = await setUp();
    await using _ = stack;
    const path = await folder();
    const options = { clock: systemClock, waitsForDisk: false, path, url: server.urlOf(database) };
    const follower = await openPostgresFollower(options);
    await writer.store.put(eventAt(1)).written;
    await advanceToEnd(follower);
    await follower[Symbol.asyncDispose]();
    await writer.store[Symbol.asyncDispose]();
    const next = await openPostgresStore(options);
    stack.use(next.store);
    expect(next.losses).toEqual([]);
    expect(next.store.has(eventAt(1).id)).toBe(true);
    expect(next.store.put(eventAt(2))).toMatchObject({ status: 'stored', sequence: 2 });
  });

  it('is refused for a while when the server is killed, and goes on when it is back', async () => {
    const { writer, openFollower, stack } = await setUp();
    await using _ = stack;
    await using follower = await openFollower();
    await writer.store.put(eventAt(1)).written;
    await server.kill();
    await expect(follower.advance()).rejects.toMatchObject({ name: 'StoreError', retryable: true });
    expect(follower.store.count([{}])).toBe(0);
    await server.run();
    await writer.store.put(eventAt(2)).written;
    expect((await advanceToEnd(follower)).added).toEqual([eventAt(1).id, eventAt(2).id]);
  });

  it('takes nothing from tables of a later program, and none from another database', async () => {
    const { writer, openFollower, database, stack } = await setUp();
    await using _ = stack;
    const follower = await openFollower();
    await writer.store.put(eventAt(1)).written;
    await server.query("UPDATE graspd_meta SET value = '1000' WHERE name = 'schema'", database);
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_newer_schema', retryable: false });
    expect(follower.store.size).toBe(0);
    await expect(openFollower()).rejects.toMatchObject({ code: 'store_newer_schema' });
    await server.query("UPDATE graspd_meta SET value = '1' WHERE name = 'schema'", database);
    await server.query("UPDATE graspd_meta SET value = 'another' WHERE name = 'database_id'", database);
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_left_behind' });
    await follower[Symbol.asyncDispose]();
  });

  it('is left behind by the compaction of what it had not read, and has it when it is opened anew', async () => {
    const { writer, openFollower, database, stack } = await setUp();
    await using _ = stack;
    const follower = await openFollower();
    for (let at = 0; at < 3; at += 1) await writer.store.put(eventAt(at)).written;
    const mark = await server.query('SELECT max(position)::int AS last FROM graspd_log', database);
    expect(mark).toEqual([{ last: 3 }]);
    await server.query(
      'INSERT INTO graspd_meta (name, value) VALUES (\'compaction\', \'{"life":1,"number":2}\')',
      database,
    );
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_left_behind' });
    await follower[Symbol.asyncDispose]();
    await using anew = await openFollower();
    expect(await idsOf(anew.store, [{}])).toEqual(await idsOf(writer.store, [{}]));
  });
});
