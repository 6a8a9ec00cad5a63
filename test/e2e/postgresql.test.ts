import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const author = testIdentity(1);
const announcement = (d: string) =>
  signedEvent(author, {
    kind: 30_617,
    tags: [
      ['d', d],
      ['clone', `https://elsewhere.example/${d}.git`],
      ['relays', 'wss://elsewhere.example'],
    ],
  });

describe.skipIf(obstacle !== undefined)('with PostgreSQL, graspd', () => {
  let server: PostgresServer;
  let folder = '';
  let databases = 0;

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-postgresql-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const flagsOf = (url: string) => [
    ...['--database-backend', 'postgresql', '--database-url', url],
    ...['--archive-all', '--archive-read-only=false'],
  ];

  const database = () => `daemon_${databases}`;

  async function newDatabase(): Promise<readonly string[]> {
    databases += 1;
    return flagsOf(await server.createDatabase(database()));
  }

  const run = (name: string, flags: readonly string[], ...args: readonly string[]) =>
    runCommand({ directory: folder }, name, ...flags, ...args);

  async function publish(daemon: DaemonProcess, names: readonly string[]): Promise<string[]> {
    await using client = await TestClient.connect(daemon.url);
    const events = names.map(announcement);
    const answers = await Promise.all(events.map((event) => client.publish(event)));
    expect(answers.filter(({ accepted }) => !accepted)).toEqual([]);
    return events.map(({ id }) => id);
  }

  async function stored(daemon: DaemonProcess, ids: readonly string[]): Promise<string[]> {
    await using client = await TestClient.connect(daemon.url);
    return (await client.query({ ids: [...ids] })).map(({ id }) => id).sort();
  }

  it('says what to do where there are no tables, and serves once they are made', async () => {
    const flags = await newDatabase();
    await expect(DaemonProcess.start({ flags, directory: folder })).rejects.toThrow(
      /ended with 3[\s\S]*graspd migrate/,
    );
    expect(await run('migrate', flags)).toMatchObject({ code: 0, stdout: 'migrated from version 0 to 3\n' });
    expect(await run('migrate', flags)).toMatchObject({ code: 0, stdout: 'nothing to do: version 3\n' });
    await using daemon = await DaemonProcess.start({ flags, directory: folder });
    const ids = await publish(daemon, ['one', 'two']);
    expect(await stored(daemon, ids)).toEqual(ids.sort());
  });

  it('does not show the password of a database that is not there', async () => {
    const port = await freePort();
    const flags = flagsOf(`postgres://graspd:the-secret@127.0.0.1:${port}/graspd`);
    const { code, stdout, stderr } = await run('migrate', flags);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^graspd: PostgreSQL: .*ECONNREFUSED/);
    expect(stderr).not.toContain('the-secret');
  });

  it('loses nothing that was acknowledged when the server is killed, says that it is away, and goes on when it is back', {
    timeout: 90_000,
  }, async () => {
    const flags = await newDatabase();
    await run('migrate', flags);
    await using daemon = await DaemonProcess.start({ flags, directory: folder });
    await using client = await TestClient.connect(daemon.url);
    const ids = await publish(
      daemon,
      Array.from({ length: 50 }, (_, at) => `before ${at}`),
    );
    await server.kill();
    const waiting = announcement('while it is away');
    const { accepted, reason } = await client.publish(waiting);
    expect({ accepted, reason }).toEqual({
      accepted: false,
      reason: expect.stringMatching(/^error: the database/),
    });
    expect(await client.count({ kinds: [30_617] })).toBe(ids.length + 1);
    expect(await client.publish(announcement('at once'))).toMatchObject({ accepted: false });
    expect(await daemon.get('/readyz')).toContain('the database is away');
    expect(await daemon.metric('ngit_store_away')).toBe(1);
    await server.run();
    await eventually(async () => !(await daemon.get('/readyz')).includes('away'));
    const after = await publish(daemon, ['after']);
    expect(await stored(daemon, [...ids, ...after])).toEqual([...ids, ...after].sort());
    daemon.kill('SIGKILL');
    await daemon.exited;
    await server.query('UPDATE graspd_leases SET ends_at = now()', database());
    await using again = await DaemonProcess.start({ flags, directory: folder });
    expect(await stored(again, [...ids, ...after])).toEqual([...ids, ...after].sort());
  });

  it('waits while another writes to the database, and takes over when that is gone', {
    timeout: 60_000,
  }, async () => {
    const flags = await newDatabase();
    await run('migrate', flags);
    await using first = await DaemonProcess.start({ flags });
    const ids = await publish(first, ['one', 'two', 'three']);
    expect(await run('export', flags)).toMatchObject({ code: 3, stderr: expect.stringContaining('in use') });
    const second = DaemonProcess.start({ flags, directory: folder });
    // Whoever cannot have it asks who has.
    const asking =
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT holder, url, secret,%FROM graspd_leases%'";
    await eventually(async () => (await server.query(asking, database())).length > 0);
    first.kill('SIGKILL');
    await first.exited;
    await server.query('UPDATE graspd_leases SET ends_at = now()', database());
    await using took = await second;
    expect(took.log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('another graspd writes'));
    expect(await stored(took, ids)).toEqual(ids.sort());
    await publish(took, ['four']);
  });

  it('has what was exported from LevelDB, and exports the same', async () => {
    const flags = await newDatabase();
    await run('migrate', flags);
    const level = ['--archive-all', '--archive-read-only=false', '--relay-data-path', join(folder, 'level')];
    const lines = ['one', 'two', 'three'].map((name) => JSON.stringify(announcement(name)));
    const file = join(folder, 'events.jsonl');
    await writeFile(file, `${lines.join('\n')}\n`);
    expect(await run('import', level, file)).toMatchObject({ code: 0 });
    const { stdout } = await run('export', level);
    await writeFile(file, stdout);
    expect(await run('import', flags, file)).toMatchObject({ code: 0 });
    const exported = await run('export', flags);
    expect(exported.code).toBe(0);
    expect(exported.stdout.split('\n').sort()).toEqual(['', ...lines].sort());
  });
});
