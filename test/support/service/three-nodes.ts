import { afterAll, beforeAll } from 'vitest';
import { PostgresServer } from '../postgres-server.js';
import { ClusteredService } from './clustered-service.js';
import { runServicesAs } from './service.js';

/** For a file of black-box tests: each service of theirs is three graspd on one PostgreSQL. */
const nodeCount = 3;
/** So that a machine with much else to do fails none. */
const servedWithinMs = 20_000;

let server: PostgresServer | undefined;

beforeAll(async () => {
  const postgres = await PostgresServer.start();
  server = postgres;
  const start = ClusteredService.start.bind(undefined, postgres, nodeCount);
  runServicesAs({ start, servedWithinMs });
});

afterAll(() => server?.[Symbol.asyncDispose]());
