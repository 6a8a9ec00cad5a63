import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { blocksOf, Follower, type Step } from './follower.js';

const root = 'docs/how-to';
/** Guides of which a test does what they say, and those that need what is not here. */
const followed: Readonly<Record<string, string>> = {
  'install-docker.md':
    'needs Docker and a name in the DNS; test/deploy/docker.test.ts runs the steps of the image',
  'install-systemd.md': 'needs systemd; test/deploy and test/e2e/update.test.ts have the unit and the socket',
  'monitor.md': 'below',
  'move-from-ngit-grasp.md': 'moves.test.ts',
  'move-from-strfry.md': 'moves.test.ts',
  'postgresql.md':
    'needs a server and its users; test/e2e/postgresql.test.ts does what it says with a server of its own',
  'proxy.md': 'needs a name in the DNS; test/deploy/proxies.test.ts runs Caddy and nginx with these files',
  'shell.md': 'below',
  'troubleshoot.md': 'below',
  'upgrade.md': 'moves.test.ts',
};

test('every guide is followed by a test, or it is said why not', () => {
  expect(readdirSync(root).sort()).toEqual(Object.keys(followed).sort());
});

test.each(Object.keys(followed))('the files of this repository that %s speaks of are there', (name) => {
  const page = readFileSync(join(root, name), 'utf8');
  const files = [...page.matchAll(/\b(?:deploy|docs)\/[\w./-]*\w/g)].map(([path]) => path);
  for (const path of files) expect(existsSync(path), path).toBe(true);
});

test.each(Object.keys(followed))('the flags and variables that %s speaks of are there', (name) => {
  const page = readFileSync(join(root, name), 'utf8');
  const manual = readFileSync('docs/graspd.1', 'utf8').replaceAll('\\-', '-');
  const reference = `${readFileSync('docs/configuration.md', 'utf8')}${manual}`;
  const named = [...page.matchAll(/`(?:graspd [^`-]*)?(--[a-z][a-z-]+)|\b(NGIT_[A-Z_]+)/g)].map(
    ([, flag, variable]) => flag ?? variable ?? '',
  );
  expect(named.filter((word) => !reference.includes(word))).toEqual([]);
});

describe('with a daemon that runs in its folder', () => {
  const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined;
  /** A step that is skipped where a program is not installed. */
  const where = (program: string, step: Step): Step =>
    isThere(program) ? step : { has: step.has, skip: `${program} is not installed` };

  /** Somebody who has `graspd` running in their folder. */
  async function operator(port: number): Promise<Follower> {
    const environment = { NGIT_BIND_ADDRESS: `127.0.0.1:${port}`, NGIT_TEST: '1' };
    const person = new Follower({ port, environment });
    await person.follow([{ language: 'sh', text: 'graspd' }], [], [{ has: 'graspd', start: true }]);
    return person;
  }

  const hasCurl = spawnSync('curl', ['--version']).error === undefined;
  const title = 'the guide to monitoring shows how it is (skipped where there is no curl)';
  it.skipIf(!hasCurl)(title, { timeout: 120_000 }, async () => {
    const port = await freePort();
    await using person = await operator(port);
    await person.follow(
      blocksOf('docs/how-to/monitor.md'),
      [['127.0.0.1:7334', `127.0.0.1:${port}`]],
      [
        {
          has: 'graspd status',
          run: true,
          after: (output) => {
            expect(output).toContain('0 lack git data');
            expect(output).toContain('ready');
          },
        },
        where('promtool', {
          has: 'promtool',
          run: true,
          after: (output) => expect(output).toContain('SUCCESS'),
        }),
        { has: 'prometheus --config', skip: 'a server of its own; test/deploy/alerts.test.ts runs one' },
        { has: 'journalctl', skip: 'no systemd runs here' },
      ],
    );
  });

  it('the guide for when something is wrong looks, and mends', { timeout: 120_000 }, async () => {
    await using person = await operator(await freePort());
    await person.follow(
      blocksOf('docs/how-to/troubleshoot.md'),
      [],
      [
        { has: 'graspd relays', run: true, after: (output) => expect(output).toContain('no faults') },
        {
          has: 'graspd repair',
          before: () => person.stop(),
          run: true,
          after: (output) => expect(output).toContain('no faults'),
        },
      ],
    );
  });

  it('the guide to the shell has it complete', { timeout: 120_000 }, async () => {
    await using person = new Follower({ port: 0, environment: {} });
    const share = join(person.folder, 'share');
    mkdirSync(join(share, 'zsh/site-functions'), { recursive: true });
    await person.follow(
      blocksOf('docs/how-to/shell.md'),
      [['/usr/local/share', share]],
      [
        { has: 'completion bash', run: true },
        { has: 'completion zsh', run: true },
        { has: 'completion fish', run: true },
        where('man', { has: 'man -l', run: true, after: (output) => expect(output).toContain('NAME') }),
      ],
    );
    const written = ['.bashrc', 'share/zsh/site-functions/_graspd', '.config/fish/completions/graspd.fish'];
    for (const path of written) expect(existsSync(join(person.folder, path)), path).toBe(true);
  });
});
