import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../../../src/config/limits.js';
import { errorMessage } from '../../../../src/lib/errors.js';
import { type Random, seededRandom } from '../../../../src/lib/random.js';
import { sealBody } from '../../../../src/store/log/bodies/sealed-body.js';
import type { LogWrite } from '../../../../src/store/log/log-target.js';
import { noSegment, SegmentWriter } from '../../../../src/store/log/segment.js';
import { type Database, PostgresDatabase } from '../../../../src/store/postgres/database.js';
import { PostgresImage } from '../../../../src/store/postgres/postgres-image.js';
import { PostgresLog } from '../../../../src/store/postgres/postgres-log.js';
import { PostgresTail } from '../../../../src/store/postgres/postgres-tail.js';
import { checkVersion, migrate, readDescription } from '../../../../src/store/postgres/schema.js';
import { WriterLease } from '../../../../src/store/postgres/writer-lease.js';
import { eventually } from '../../../support/eventually.js';
import { PostgresServer, postgresObstacle } from '../../../support/postgres-server.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { between, chance, sample } from '../../random.js';
import { SharedDatabase } from './shared-database.js';
import { runStatement, statementWords } from './statements.js';
import { Tables } from './tables.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

function randomWrite(random: Random, number: number): LogWrite {
  const some = (count: number) =>
    Array.from({ length: between(random, 0, count) }, () => between(random, 1, 12));
  const segment = (at: number) => {
    const writer = new SegmentWriter();
    return writer.finish(at, noSegment, { life: 1, number: at });
  };
  const bodies = new Set(some(4));
  const segments = new Set(some(2).concat(number));
  const names = sample(random, ['a', 'b', 'c'], between(random, 0, 2));
  return {
    segments: new Map([...segments].map((at) => [at, segment(at)])),
    goneSegments: some(3).filter((at) => !segments.has(at)),
    bodies: new Map([...bodies].map((at) => [at, sealBody(Buffer.from(`body ${number}`), at)])),
    goneBodies: some(3).filter((at) => !bodies.has(at)),
    journal: new Map(names.map((name) => [name, chance(random, 0.3) ? undefined : Buffer.from(`${number}`)])),
    reasons: chance(random, 0.3) ? ['one', String(number)] : undefined,
    compactedThrough: chance(random, 0.3) ? { life: 1, number } : undefined,
  };
}

/** All that is ever asked of a database, and what it answers. */
async function answersOf(database: Database, seed: number): Promise<unknown[]> {
  const random = seededRandom(seed);
  const answers: unknown[] = [];
  const clock = new VirtualClock();
  const all = async <T>(items: AsyncIterable<T>): Promise<void> => {
    for await (const item of items) answers.push(item);
  };
  await checkVersion(database);
  const take = (name: string) =>
    WriterLease.take(database, { holder: { name, reached: { url: `http://${name}`, secret: name } }, clock });
  const lease = await take('one');
  answers.push(lease.fence, await take('two').catch(errorMessage));
  const log = new PostgresLog({ reading: database, writing: database }, lease, clock, async () => {});
  const { databaseId } = await readDescription(database);
  const tail = new PostgresTail(database, databaseId, 4);
  answers.push(await tail.after(0));
  for (let number = 1; number <= 30; number += 1) {
    if (chance(random, 0.3)) await lease.nextTurn();
    await log.write(randomWrite(random, number));
    const { databaseId: _, hashSeed: _seed, ...description } = await readDescription(database);
    const after = between(random, 0, number);
    answers.push(description, await tail.after(after), await tail.sizeThrough(after));
    answers.push(await log.bodies([3, 1, after]));
  }
  await all(log.segments(2));
  await all(log.journal());
  await using image = await PostgresImage.take(database, 'id', 12);
  await log.write(randomWrite(random, 31));
  await all(image.events());
  await all(image.journal());
  await clock.advance(limits.leaseRenewMs);
  await eventually(async () => clock.timers > 0);
  await lease[Symbol.asyncDispose]();
  const next = await take('two');
  answers.push(next.fence, await log.write(randomWrite(random, 32)).catch(errorMessage));
  await next[Symbol.asyncDispose]();
  return answers;
}

describe.skipIf(obstacle !== undefined)('the simulated database', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);

  afterAll(() => server[Symbol.asyncDispose]());

  it('answers every statement of ours as PostgreSQL does', async () => {
    const asked: string[] = [];
    for (let seed = 1; seed <= 5; seed += 1) {
      const url = await server.createDatabase(`statements_${seed}`);
      await using real = await PostgresDatabase.open({ url, waitsForDisk: false });
      await migrate(real);
      const shared = new SharedDatabase(new VirtualClock(), () => {});
      const simulated: Database = {
        async query(text, values = []) {
          asked.push(text);
          return shared.run(text, values);
        },
        async begin() {
          const seen = new Tables(shared.tables);
          return {
            query: async (text, values = []) => {
              asked.push(text);
              return runStatement(seen, text, values, 0);
            },
            end: async () => {},
          };
        },
        async [Symbol.asyncDispose]() {},
      };
      expect(await answersOf(simulated, seed), `seed ${seed}`).toEqual(await answersOf(real, seed));
    }
    expect(statementWords.filter((words) => !asked.some((text) => text.includes(words)))).toEqual([]);
  });

  it('says so of one that it does not know', () => {
    expect(() => runStatement(new Tables(), 'DROP TABLE graspd_log', [], 0)).toThrow(/does not know: DROP/);
  });
});
