import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nsecEncode } from 'nostr-tools/nip19';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { type Ended, runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const key = new Uint8Array(32).fill(0xa7);
const secrets = {
  nsec: nsecEncode(key),
  hex: Buffer.from(key).toString('hex'),
  token: 'first-token-0123456789',
  later: 'later-token-9876543210',
  /** None that is taken: it is too short, and no nsec. */
  wrong: 'wr0ng!secret',
  wrongNsec: `${nsecEncode(key).slice(0, -2)}qq`,
};

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graspd-secrets-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** The secrets that stand in a text. */
const secretsIn = (text: string) =>
  Object.entries(secrets)
    .filter(([, secret]) => text.includes(secret))
    .map(([name]) => name);

const textOf = ({ stdout, stderr }: Ended) => `${stdout}${stderr}`;
const write = (settings: object | string) =>
  writeFile(
    join(directory, 'graspd.json'),
    typeof settings === 'string' ? settings : JSON.stringify(settings),
  );
const command = (...args: string[]) => runCommand({ directory }, ...args, '--config', 'graspd.json');

/** What the processes that a process started have in their environment, and as arguments. */
function childrenOf(pid: number): string[] {
  const texts: string[] = [];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)) {
      for (const name of ['environ', 'cmdline']) texts.push(readFileSync(`/proc/${child}/${name}`, 'latin1'));
    }
  }
  return texts;
}

it('no secret is in a log, a metric, a page, an answer, a file or the environment of git', async () => {
  // The key and the token as they are given best: one in the environment, the other in a file that can change.
  await write({ 'status-token': secrets.token, 'admin-pubkeys': [] });
  const said: [what: string, text: string][] = [];
  const silent = `ws://127.0.0.1:${await freePort()}`;
  const daemon = await DaemonProcess.start({
    directory,
    flags: ['--config=graspd.json', '--log-level=trace', `--sync-bootstrap-relay-url=${silent}`],
    environment: { NGIT_RELAY_OWNER_NSEC: secrets.nsec },
  });
  {
    await using _ = daemon;
    const url = `http://127.0.0.1:${daemon.port}`;
    const ask = async (path: string, headers: Record<string, string> = {}, body?: string) => {
      const method = body === undefined ? 'GET' : 'POST';
      const answer = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const fields = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
      said.push([path, [...fields, await answer.text()].join('\n')]);
      return answer.status;
    };
    await using client = await TestClient.connect(daemon.url);
    const author = testIdentity(1);
    expect(await client.publish(signedEvent(author, { kind: 1, created_at: 1, tags: [] }))).toMatchObject({
      accepted: false,
    });
    await using git = await GitClient.init();
    const refused = await git.run('ls-remote', `${url}/${author.pubkey}/none.git`);
    said.push(['git', refused.stdout + refused.stderr]);
    // What did not work, and what did.
    await eventually(async () => daemon.log.some(({ msg }) => msg === 'connect failed'));
    const right = { authorization: `Bearer ${secrets.token}` };
    expect(await ask('/status.json')).toBe(401);
    expect(await ask('/status.json', { authorization: `Bearer ${secrets.wrong}` })).toBe(401);
    expect(await ask('/status.json', right)).toBe(200);
    expect(await ask('/status', right)).toBe(200);
    expect(await ask('/', { accept: 'application/nostr+json' })).toBe(200);
    expect(await ask('/')).toBe(200);
    expect(await ask('/metrics')).toBe(200);
    const management = {
      'content-type': 'application/nostr+json+rpc',
      authorization: `Nostr ${secrets.wrong}`,
    };
    expect(await ask('/', management, '{"method":"supportedmethods","params":[]}')).toBe(401);
    for (const name of ['status', 'relays']) {
      const ended = await command(name, '--json');
      expect(ended.code, name).toBe(0);
      said.push([name, textOf(ended)]);
    }
    for (const [settings, code] of [
      [{ 'status-token': secrets.later }, 0],
      [{ 'status-token': secrets.wrong }, 2],
      [{ 'relay-owner-nsec': secrets.nsec }, 0],
      [{ 'relay-owner-nsec': secrets.wrongNsec }, 2],
      [`{"status-token": "${secrets.later}", oops`, 2],
    ] as const) {
      await write(settings);
      const [checked, reloaded] = await Promise.all([command('check-config'), command('reload')]);
      said.push([`check-config and reload ${JSON.stringify(settings)}`, textOf(checked) + textOf(reloaded)]);
      expect(checked.code, JSON.stringify(settings)).toBe(code);
    }
    const started = childrenOf(daemon.pid);
    expect(started).not.toEqual([]);
    said.push(['git', started.join('\n')]);
  }
  expect(daemon.output.length).toBeGreaterThan(10);
  said.push(['log', daemon.output.join('\n')]);
  for (const entry of await readdir(join(directory, 'data'), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) said.push([path, await readFile(path, 'latin1')]);
  }
  const told = said.map(([what, text]) => [what, secretsIn(text)] as const);
  expect(told.filter(([, found]) => found.length > 0)).toEqual([]);
}, 120_000);

it.each([
  `--relay-owner-nsec=${secrets.wrongNsec}`,
  `--status-token=${secrets.wrong}`,
  `--status-tokem=${secrets.token}`,
])('a start that fails does not repeat the secret: %s', async (flag) => {
  const { code, stdout, stderr } = await runCommand({ directory }, 'serve', flag);
  expect(code).toBe(2);
  expect(stderr).not.toBe('');
  expect(secretsIn(stdout + stderr)).toEqual([]);
});

it('a key file that is damaged is named, and not repeated', async () => {
  await writeFile(join(directory, '.relay-owner.nsec'), secrets.wrongNsec);
  const { code, stdout, stderr } = await runCommand(
    { directory },
    'serve',
    '--bind-address',
    `127.0.0.1:${await freePort()}`,
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain('.relay-owner.nsec');
  expect(secretsIn(stdout + stderr)).toEqual([]);
});
