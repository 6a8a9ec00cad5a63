import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { caddy, ProxyProcess } from '../support/proxies.js';
import { runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const obstacle = postgresObstacle() ?? (caddy.isInstalled ? undefined : 'there is no caddy on this machine');
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

// What deploy/docker/compose.postgresql.yaml runs, without containers.
describe.skipIf(obstacle !== undefined)('two graspd with one PostgreSQL behind Caddy', () => {
  it('serve what was acknowledged when the one is killed, under the same name, and who comes meanwhile waits', {
    timeout: 120_000,
  }, async () => {
    await using stack = new ReleaseStack();
    const server = stack.use(await PostgresServer.start());
    const url = await server.createDatabase('shared');
    const port = await freePort();
    const at = `ws://127.0.0.1:${port}`;
    const shared = [
      ...['--database-backend', 'postgresql', '--database-url', url],
      ...['--domain', `127.0.0.1:${port}`, '--trusted-proxy', '127.0.0.1'],
    ];
    const first = stack.use(await startFirst(shared));
    const { daemon } = first;
    const standbyPort = await freePort();
    const standby = DaemonProcess.start({
      flags: [...shared, '--relay-data-path', `${daemon.directory}/relay-standby`],
      directory: daemon.directory,
      port: standbyPort,
    });
    stack.defer(async () => (await standby)[Symbol.asyncDispose]());
    const front = stack.use(await ProxyProcess.start(caddy, port, [daemon.port, standbyPort]));

    const owner = testIdentity(1);
    const urlOf = () => first.urlOf(owner, 'shared').replace(`:${daemon.port}/`, `:${front.port}/`);
    const git = stack.use(await GitClient.init());
    const commit = await git.commit('file', 'content');
    const { kind, created_at } = first.announcement(owner, 'shared');
    const tags = [
      ['d', 'shared'],
      ['clone', urlOf()],
      ['relays', at],
    ];
    const client = stack.use(await TestClient.connect(at));
    const events = [
      owner.sign({ kind, created_at, tags, content: '' }),
      first.state(owner, 'shared', { 'refs/heads/main': commit }),
    ];
    for (const event of events) expect(await client.publish(event)).toMatchObject({ accepted: true });
    await git.ok('push', urlOf(), 'main');

    daemon.kill('SIGKILL');
    await daemon.exited;
    // It waits for the one that takes over.
    const asked = fetch(`http://127.0.0.1:${port}/readyz`);
    await server.query('UPDATE graspd_leases SET ends_at = now()', 'shared');
    expect((await asked).status).toBe(200);
    await standby;
    const other = stack.use(await TestClient.connect(at));
    expect((await other.query({ authors: [owner.pubkey] })).map(({ id }) => id).sort()).toEqual(
      events.map(({ id }) => id).sort(),
    );
    const reader = stack.use(await GitClient.init());
    await eventually(async () => (await reader.run('clone', '--quiet', urlOf(), 'copy')).code === 0);
    expect(await reader.ok('-C', 'copy', 'rev-parse', 'HEAD')).toBe(commit);
  });
});

async function startFirst(flags: readonly string[]): Promise<HostingDaemon> {
  const made = await runCommand({ directory: tmpdir() }, 'migrate', ...flags.slice(0, 4));
  expect(made).toMatchObject({ code: 0 });
  return await HostingDaemon.start({ flags });
}
