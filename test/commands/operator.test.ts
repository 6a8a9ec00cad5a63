import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelayReport, StatusReport } from '../../src/control/reports.js';
import { npubOf } from '../../src/nostr/keys.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { jsonLines, runCommand as run } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const owner = testIdentity(1);

/** Of a repository on another server, which an archive takes at once. */
const announced = signedEvent(owner, {
  kind: 30617,
  tags: [
    ['d', 'project'],
    ['clone', 'https://git.example.org/project.git'],
    ['relays', 'wss://relay.example.org'],
  ],
});

describe("the operator's commands", () => {
  it('say how a running daemon is, and what it follows, serves and has', async () => {
    const bootstrap = `ws://127.0.0.1:${await freePort()}`;
    await using daemon = await DaemonProcess.start({
      environment: { NGIT_SYNC_BOOTSTRAP_RELAY_URL: bootstrap, NGIT_ARCHIVE_ALL: 'true' },
    });
    await using client = await TestClient.connect(`ws://127.0.0.1:${daemon.port}`);
    expect(await client.publish(announced)).toMatchObject({ accepted: true });
    const [status] = jsonLines<StatusReport>(await run(daemon, 'status', '--json'));
    const address = `127.0.0.1:${daemon.port}`;
    expect(status).toMatchObject({ address, events: 1, repositories: { served: 1 }, isDiskLow: false });
    expect((await run(daemon, 'status')).stdout).toMatch(/^graspd .*\nlistens at .*\nevents +1 stored/);
    expect(jsonLines(await run(daemon, 'events', '{"kinds":[30617]}'))).toEqual([announced]);

    await eventually(async () => (await run(daemon, 'relays')).stdout.includes(bootstrap));
    const relays = jsonLines<RelayReport>(await run(daemon, 'relays', '--json'));
    expect(relays.map(({ relay }) => relay)).toContain(bootstrap);
    expect(jsonLines(await run(daemon, 'repositories', '--json'))).toMatchObject([
      { owner: npubOf(owner.pubkey), identifier: 'project' },
    ]);
    expect(jsonLines(await run(daemon, 'repositories', '--incomplete', '--json'))).toEqual([]);
    expect((await run(daemon, 'repositories')).stdout).toMatch(/^REPOSITORY .*\nnpub1.*\/project /);

    const synced = await run(daemon, 'sync', bootstrap, 'wss://nobody.example.org');
    expect(synced).toMatchObject({ code: 1 });
    expect(synced.stdout).toMatch(/catch-up begins\n.*nobody.example.org.*is not followed/);
  });

  it('have an exit code for each class of failure, and one line that says why', async () => {
    await using daemon = await DaemonProcess.start();
    const refused = await run(daemon, 'events', '{"kinds":"x"}');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^graspd: events takes a NIP-01 filter/);
    const elsewhere = await run(daemon, 'status', '--relay-data-path', join(daemon.directory, 'other'));
    expect(elsewhere).toMatchObject({ code: 4, stdout: '' });
    expect(elsewhere.stderr).toMatch(/^graspd: no daemon runs with this data folder .*\n$/);
    expect(await run(daemon, 'status', 'too', 'many')).toMatchObject({ code: 2 });
  });

  it('find nobody any more when the daemon was stopped, nor when it was killed, until it runs again', async () => {
    const daemon = await DaemonProcess.start();
    daemon.kill('SIGKILL');
    await daemon.exited;
    expect(await run(daemon, 'status')).toMatchObject({ code: 4 });
    await using again = await DaemonProcess.start({ directory: daemon.directory });
    expect(await run(again, 'status')).toMatchObject({ code: 0 });
    await daemon[Symbol.asyncDispose]();
  });
});
