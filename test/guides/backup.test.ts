import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { TestClient } from '../support/test-client.js';
import { blocksOf, Follower } from './follower.js';

const owner = testIdentity(1);

it('the guide to backups takes one, restores it, and drills', { timeout: 180_000 }, async () => {
  const port = await freePort();
  const here = `127.0.0.1:${port}`;
  await using git = await GitClient.init();
  const commit = await git.commit('a.txt', 'one');
  const path = `${npubOf(owner.pubkey)}/project.git`;
  await using person = new Follower({ port, environment: { NGIT_TEST: '1' } });
  writeFileSync(join(person.folder, 'graspd.json'), `{ "bind-address": "${here}" }`);
  mkdirSync(join(person.folder, 'backup'));
  await person.follow(
    [{ language: 'sh', text: 'graspd --config graspd.json' }],
    [],
    [{ has: 'graspd', start: true }],
  );
  {
    await using client = await TestClient.connect(`ws://${here}`);
    const created_at = Math.floor(Date.now() / 1_000);
    const publish = (kind: number, ...tags: string[][]) =>
      client.publish(signedEvent(owner, { kind, created_at, tags: [['d', 'project'], ...tags] }));
    await publish(30617, ['clone', `http://${here}/${path}`], ['relays', `ws://${here}`]);
    await publish(30618, ['refs/heads/main', commit], ['HEAD', 'ref: refs/heads/main']);
  }
  await git.ok('push', '--quiet', `http://${here}/${path}`, 'main');

  await person.follow(
    blocksOf('docs/backup.md'),
    [
      ['/backup/', `${join(person.folder, 'backup')}/`],
      ['/tmp/drill', join(person.folder, 'drill')],
    ],
    [
      { has: 'graspd backup', run: true },
      {
        has: 'zstd | ssh',
        skip: 'there is no other machine; test/e2e/backup.test.ts reads a backup from a pipe',
      },
      {
        has: 'graspd restore',
        // "With empty data folders and no daemon."
        before: async () => {
          await person.stop();
          rmSync(join(person.folder, 'data'), { recursive: true });
        },
        start: true,
      },
      {
        has: '--update',
        skip: 'nothing was restored for a move; test/e2e/postgresql-move.test.ts moves a node with such a pipe',
      },
      {
        has: 'drill',
        run: true,
        after: (output) => expect(output).toContain('no faults'),
      },
    ],
  );
  expect(readdirSync(join(person.folder, 'backup'))).toEqual(['graspd-2026-11-29.tar']);
  expect(existsSync(join(person.folder, 'drill'))).toBe(false);
  expect(await git.ok('ls-remote', `http://${here}/${path}`, 'refs/heads/main')).toContain(commit);
});
