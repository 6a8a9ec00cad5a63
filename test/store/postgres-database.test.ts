import { expect, it } from 'vitest';
import { isPassing, PostgresDatabase } from '../../src/store/postgres/database.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

it.skipIf(obstacle !== undefined)(
  'a server that goes in the middle of a transaction costs that one, and nothing else',
  async () => {
    await using server = await PostgresServer.start();
    const settings = { url: await server.createDatabase('gone'), waitsForDisk: false };
    await using database = await PostgresDatabase.open(settings);
    const transaction = await database.begin('');
    await server.kill();
    const error = await transaction.query('SELECT 1').catch((cause: unknown) => cause);
    expect(isPassing(error)).toBe(true);
    await transaction.end('ROLLBACK').catch(() => {});
    await server.run();
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  },
);
