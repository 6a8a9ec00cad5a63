import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import type { StoreImage } from '../../src/store/log/store-image.js';
import { PostgresDatabase } from '../../src/store/postgres/database.js';
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.js';
import { migrate } from '../../src/store/postgres/schema.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { describeEventStore, type StoreHarness } from './event-store-conformance.js';
import { makeEvent } from './support/events.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('in PostgreSQL', () => {
  let server: PostgresServer;
  let databases = 0;

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const harness = (): StoreHarness => {
    let settings = { path: '', url: '', waitsForDisk: false };
    return {
      async open(options) {
        databases += 1;
        const url = await server.createDatabase(`conformance_${databases}`);
        settings = { ...settings, path: await mkdtemp(join(tmpdir(), 'graspd-store-')), url };
        await using database = await PostgresDatabase.open(settings);
        await migrate(database);
        return openPostgresStore({ ...settings, ...options });
      },
      async reopen(store, options) {
        await store[Symbol.asyncDispose]();
        return openPostgresStore({ ...settings, ...options });
      },
      cleanUp: () => rm(settings.path, { recursive: true, force: true }),
    };
  };

  describeEventStore('PostgreSQL store', harness);

  it('is written while slow reads have all connections for reading', async () => {
    const settings = {
      path: await mkdtemp(join(tmpdir(), 'graspd-store-')),
      url: await server.createDatabase('slow_reads'),
      waitsForDisk: false,
    };
    await using stack = new ReleaseStack();
    stack.defer(() => rm(settings.path, { recursive: true, force: true }));
    await migrate(stack.use(await PostgresDatabase.open(settings)));
    const { store, image } = await openPostgresStore({ ...settings, clock: systemClock });
    stack.use(store);
    // Each has a connection of its own, until it is let go of.
    for (let count = 0; count < limits.databaseConnectionsMax; count += 1)
      stack.use((await image?.()) as StoreImage);
    await store.put(makeEvent({ kind: 1 })).written;
    const found = await server.query('SELECT count(*)::int AS bodies FROM graspd_bodies', 'slow_reads');
    expect(found).toEqual([{ bodies: 1 }]);
  });
});
