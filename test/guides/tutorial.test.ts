import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { blocksOf, Follower } from './follower.js';

it('the tutorial works, each step as it is written', { timeout: 180_000 }, async () => {
  const first = await freePort();
  const mirror = await freePort();
  await using person = new Follower({
    port: first,
    environment: {
      // The port of the first server, where the tutorial has that of the default; the file of the mirror has its own.
      NGIT_SYNC_STARTUP_DELAY_SECS: '0',
      NGIT_SYNC_STARTUP_JITTER_MS: '0',
      NGIT_TEST: '1',
    },
  });
  /** Until the mirror serves the repository, which takes the seconds that the tutorial speaks of. */
  const mirrored = () =>
    eventually(async () => {
      const url = (await readFile(join(person.folder, 'url'), 'utf8'))
        .trim()
        .replace(`:${first}`, `:${mirror}`);
      const answer = await fetch(`${url}/info/refs?service=git-upload-pack`);
      return answer.ok && (await answer.text()).includes('refs/heads/main');
    });
  await person.follow(
    blocksOf('docs/tutorial.md'),
    [
      // Every release is installed anew before its tests run.
      ['npm install\nnpm start', `npm start -- --bind-address 127.0.0.1:${first}`],
      ['7334', `${first}`],
      ['7335', `${mirror}`],
    ],
    [
      { has: 'npm start', start: true },
      { has: 'git init', run: true },
      { has: 'announce.mjs', run: true, after: (output) => expect(output).toMatch(/npub1.*\/demo\.git\n$/) },
      { has: 'git -C demo push', run: true },
      {
        has: 'main.js status',
        run: true,
        after: (output) => {
          expect(output).toContain('events        2 stored');
          expect(output).toMatch(/npub1\w+\/demo +-/);
        },
      },
      { has: '"archive-all": true', write: 'mirror.json' },
      { has: 'npm start -- --config mirror.json', start: true, port: mirror, after: mirrored },
      {
        has: 'main.js relays',
        run: true,
        after: (output) => {
          expect(output).toMatch(new RegExp(`:${first} +connected +healthy`));
          expect(output).toMatch(/npub1\w+\/demo +-/);
        },
      },
      {
        has: 'git clone',
        run: true,
        after: async () =>
          expect(await readFile(join(person.folder, 'copy/README'), 'utf8')).toBe('Hello.\n'),
      },
      { has: 'rm -r mirror/git', before: () => person.stop(mirror), run: true },
      { has: 'npm start -- --config mirror.json', start: true, port: mirror, after: mirrored },
      { has: 'main.js doctor', run: true, after: (output) => expect(output).toContain('no faults') },
      { has: 'main.js restore', run: true, after: (output) => expect(output).toContain('no faults') },
      {
        has: 'main.js ban',
        run: true,
        after: (output) => {
          expect(output).toContain('tutorial');
          expect(output).not.toMatch(/npub1\w+\/demo/);
        },
      },
      { has: 'main.js unban', run: true, after: mirrored },
      {
        has: 'rm -rf data mirror',
        before: async () => {
          await person.stop(mirror);
          await person.stop();
        },
        run: true,
      },
    ],
  );
  for (const name of ['data', 'mirror', 'drill', 'copy', 'url', '.relay-owner.nsec'])
    expect(existsSync(join(person.folder, name)), name).toBe(false);
});
