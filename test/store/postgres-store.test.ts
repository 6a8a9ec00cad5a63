import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { PostgresDatabase } from '../../src/store/postgres/database.js';
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.js';
import { migrate } from '../../src/store/postgres/schema.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { describeEventStore, type StoreHarness } from './event-store-conformance.js';

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
});
