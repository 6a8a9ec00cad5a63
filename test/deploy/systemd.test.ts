import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { canBootSystemd, nodeThere, projectThere, SystemdMachine } from '../support/systemd-machine.js';
import { TestClient } from '../support/test-client.js';

const owner = testIdentity(960);
const now = () => Math.floor(Date.now() / 1_000);

/** A unit as it is in `deploy`, with what a test has elsewhere: the program, the port, and a log file, for there is no journal. */
function unit(name: string, port: number, further = ''): string {
  const text = readFileSync(`deploy/${name}`, 'utf8')
    .replaceAll('/opt/graspd', projectThere)
    .replaceAll('/usr/bin/node', nodeThere)
    .replaceAll('7334', `${port}`);
  return `${text}\n[Unit]\nDefaultDependencies=no\n${further}`;
}

describe.skipIf(!canBootSystemd)(
  'under a real systemd (skipped where none can be booted in a namespace)',
  () => {
    it('the unit starts in its sandbox, says when it is ready, hosts, reloads, starts anew on the same socket, and stops', async () => {
      const port = await freePort();
      const service = `[Service]\nEnvironment=NGIT_BIND_ADDRESS=127.0.0.1:${port}\nStandardError=append:/run/log\nStandardOutput=append:/run/log\n`;
      const units = {
        'graspd.service': unit('graspd.service', port, service),
        'graspd.socket': unit('graspd.socket', port),
      };
      await using machine = await SystemdMachine.boot(units, 'graspd.socket graspd.service');
      const systemctl = (...args: readonly string[]) => machine.run('systemctl', ...args);
      await eventually(() => systemctl('is-active', 'graspd.service').text === 'active');

      const url = `ws://127.0.0.1:${port}`;
      const clone = `http://127.0.0.1:${port}/${npubOf(owner.pubkey)}/sandboxed.git`;
      const tags = [
        ['d', 'sandboxed'],
        ['clone', clone],
        ['relays', url],
      ];
      await using git = await GitClient.init();
      const commit = await git.commit('a', 'one');
      {
        await using client = await TestClient.connect(url);
        expect(
          await client.publish(signedEvent(owner, { kind: 30617, created_at: now(), tags })),
        ).toMatchObject({ accepted: true });
        const refs = [
          ['d', 'sandboxed'],
          ['refs/heads/main', commit],
          ['HEAD', 'ref: refs/heads/main'],
        ];
        expect(
          await client.publish(signedEvent(owner, { kind: 30618, created_at: now(), tags: refs })),
        ).toMatchObject({ accepted: true });
      }
      await git.ok('push', '--quiet', clone, 'main');

      expect(systemctl('reload', 'graspd.service')).toEqual({ code: 0, text: '' });
      expect(systemctl('restart', 'graspd.service')).toEqual({ code: 0, text: '' });
      expect(await git.ok('ls-remote', clone, 'refs/heads/main')).toContain(commit);
      expect(systemctl('stop', 'graspd.socket', 'graspd.service').code).toBe(0);
      expect(systemctl('show', '--property=Result', 'graspd.service').text).toBe('Result=success');
      const log = machine
        .run('cat', '/run/log')
        .text.split('\n')
        .filter((line) => line.startsWith('{'));
      expect(log.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
      expect(log.at(-1)).toContain('"stopped"');
      expect(machine.run('find', '/var/lib/private/graspd', '-perm', '/077', '-not', '-type', 's').text).toBe(
        '',
      );
    });
  },
);
