import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { HostingDaemon } from '../support/hosting-daemon.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const owner = testIdentity(1);

it('checks what a killed daemon left, refuses while one runs, and has an exit code for scripts', {
  timeout: 60_000,
}, async () => {
  await using host = await HostingDaemon.start({ flags: ['--archive-all'] });
  const { daemon } = host;
  const check = (...flags: readonly string[]) =>
    new Promise<{ code: number; said: string }>((resolve) => {
      const settings = ['--bind-address', `127.0.0.1:${daemon.port}`, '--archive-all'];
      const options = { cwd: daemon.directory, env: { PATH: process.env.PATH } };
      execFile(
        process.execPath,
        [program, 'check', ...settings, ...flags],
        options,
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
      );
    });
  // Elsewhere, so that it is stored at once.
  const tags = [
    ['d', 'project'],
    ['clone', 'https://elsewhere.example/project.git'],
    ['relays', 'wss://elsewhere.example'],
  ];
  await host.publish(signedEvent(owner, { kind: 30617, tags }));
  expect(await check()).toEqual({
    code: 2,
    said: expect.stringContaining('a daemon runs with this data folder'),
  });
  daemon.kill('SIGKILL');
  await daemon.exited;
  expect(await check('--signatures')).toEqual({ code: 0, said: 'no faults\n' });
  const repository = `${npubOf(owner.pubkey)}/project`;
  await rm(join(daemon.directory, 'data/git', `${repository}.git`), { recursive: true });
  const { code, said } = await check('--json');
  const reports = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(reports).toEqual([
    { line: `missing    ${repository}`, isFault: true },
    { faults: 1, repaired: 0 },
  ]);
  expect(code).toBe(1);
});
