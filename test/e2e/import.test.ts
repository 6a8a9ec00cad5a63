import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const domain = 'relay.example.org';
const [owner, banned] = [testIdentity(1), testIdentity(2)];

function announcement(number: number): NostrEvent {
  return signedEvent(owner, {
    kind: 30617,
    tags: [
      ['d', `repo-${number}`],
      ['clone', `https://${domain}/npub/repo-${number}.git`],
      ['relays', `wss://${domain}`],
    ],
  });
}

const announcements = [1, 2, 3].map(announcement);
const tags = [['a', `30617:${owner.pubkey}:repo-1`]];
const issues = Array.from({ length: 20 }, (_, number) =>
  signedEvent(owner, { kind: 1621, content: `${number}`, tags }),
);
const ofBanned = signedEvent(banned, { kind: 1621, content: 'spam', tags });
/** A state whose git data nobody pushed: of a client it would be held. */
const state = signedEvent(owner, {
  kind: 30618,
  tags: [
    ['d', 'repo-2'],
    ['refs/heads/main', 'a'.repeat(40)],
    ['HEAD', 'ref: refs/heads/main'],
  ],
});
const elsewhere = signedEvent(owner, {
  kind: 30617,
  tags: [
    ['d', 'x'],
    ['clone', 'https://other.example/npub/x.git'],
    ['relays', 'wss://other.example'],
  ],
});
/** What hangs on something comes before it. */
const lines = [ofBanned, ...issues, state, ...announcements, elsewhere, issues[0]!].map(eventJson);
const whole = '24 stored, 1 known or superseded, 2 refused, 0 lines that are no event\n';

/** Quotas and rates that a client would meet. */
const flags = [
  `--domain=${domain}`,
  '--key-repositories=1',
  '--key-events=2',
  '--client-events-per-minute=1',
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A daemon that has banned somebody. */
async function banningDaemon(directory: string): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start({ directory, flags });
  expect(await runCommand(daemon, 'ban', npubOf(banned.pubkey))).toMatchObject({ code: 0 });
  return daemon;
}

async function stop(daemon: DaemonProcess): Promise<void> {
  daemon.kill('SIGTERM');
  expect(await daemon.exited).toBe(0);
}

/** The files that a process has put refused events aside in, and no name leads to. */
function spoolsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      return ''; // Closed meanwhile.
    }
  });
  return targets.filter((target) => target.includes('graspd-import-')).length;
}

const repositoriesIn = (directory: string) =>
  [1, 2, 3].map((number) =>
    existsSync(join(directory, 'data/git', npubOf(owner.pubkey), `repo-${number}.git`)),
  );

describe('graspd import', { timeout: 120_000 }, () => {
  it('gives a running daemon what it gives its folder when it is stopped, and subscribers have it', async () => {
    const [here, there] = [await mkdtemp(join(folder, 'a-')), await mkdtemp(join(folder, 'b-'))];
    for (const directory of [here, there])
      await writeFile(join(directory, 'events.jsonl'), `${lines.join('\n')}\n`);
    await stop(await banningDaemon(there));
    const offline = await runCommand({ directory: there }, 'import', ...flags, 'events.jsonl');
    expect(offline).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(whole) });
    expect(offline.stdout).toContain('blocked: the author is banned from this relay');

    await using daemon = await banningDaemon(here);
    await using client = await TestClient.connect(daemon.url);
    client.send('REQ', 'live', {});
    await client.message(([type]) => type === 'EOSE');
    const live = await runCommand(daemon, 'import', 'events.jsonl');
    expect(live).toEqual(offline);
    expect([repositoriesIn(here), repositoriesIn(there)]).toEqual([
      [true, true, true],
      [true, true, true],
    ]);
    const seen = () => client.received.filter(([type]) => type === 'EVENT').length;
    await eventually(() => seen() === 24);
    expect(await daemon.metric('ngit_admission_events_total{source="import",outcome="stored"}')).toBe(24);
    expect(await runCommand(daemon, 'doctor')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no faults'),
    });
    const exported = await runCommand(daemon, 'export');
    await stop(daemon);
    const other = await runCommand({ directory: there }, 'export');
    expect(exported.stdout.split('\n').sort()).toEqual(other.stdout.split('\n').sort());
  });

  it('says the same of lines that are no event, and where the input cannot be read on', async () => {
    await using daemon = await DaemonProcess.start({ directory: folder, flags });
    const tooLong = Buffer.alloc(17_000_000, 'x');
    await writeFile(join(folder, 'long.jsonl'), Buffer.concat([Buffer.from(`${lines[21]}\nno\n`), tooLong]));
    await writeFile(join(folder, 'bad.jsonl'), `${eventJson(announcements[0]!)}\nno event\n`);
    const calls = ['bad.jsonl', 'long.jsonl', 'none.jsonl'];
    const live = [];
    for (const file of calls) live.push(await runCommand(daemon, 'import', file));
    expect(live[0]).toMatchObject({
      code: 1,
      stdout: '1 stored, 0 known or superseded, 0 refused, 1 lines that are no event\n',
    });
    expect(live[1]).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('what follows was not read'),
      stderr: expect.stringContaining('line 3 is longer than'),
    });
    expect(live[2]).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
    await stop(daemon);
    const offline = await runCommand(daemon, 'import', ...flags, 'long.jsonl');
    expect({ code: offline.code, stderr: offline.stderr }).toEqual({ code: 1, stderr: live[1]?.stderr });
  });

  it('is one at a time; who is ended lets go of all, and what was stored stays', async () => {
    await using daemon = await DaemonProcess.start({ directory: folder, flags });
    const { directory, pid } = daemon;
    const env = { PATH: process.env.PATH };
    const endless = () =>
      spawn(process.execPath, [program, 'import', '-'], {
        cwd: directory,
        env,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    const first = endless();
    first.stdin.write(`${eventJson(announcements[0]!)}\n`);
    const stored = () => daemon.metric('ngit_admission_events_total{source="import",outcome="stored"}');
    await eventually(async () => (await stored()) === 1);
    await writeFile(join(directory, 'events.jsonl'), `${lines.join('\n')}\n`);
    expect(await runCommand(daemon, 'import', 'events.jsonl')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: 'graspd: another import is under way\n',
    });
    expect(spoolsOf(pid)).toBe(1);
    first.kill('SIGKILL');
    await eventually(() => spoolsOf(pid) === 0);
    await eventually(() => daemon.log.some(({ msg }) => msg === 'import broken off'));
    expect(await runCommand(daemon, 'import', 'events.jsonl')).toMatchObject({ code: 0 });
    expect(await stored()).toBe(25);

    const second = endless();
    let said = '';
    second.stdout.on('data', (text: Buffer) => (said += text.toString()));
    second.stdin.write(`${lines[0]}\n`);
    await eventually(() => spoolsOf(pid) === 1);
    daemon.kill('SIGTERM');
    const [code] = await new Promise<unknown[]>((resolve) =>
      second.once('close', (...ended: unknown[]) => resolve(ended)),
    );
    expect(code).toBe(4);
    expect(await daemon.exited).toBe(0);
    expect(said).toMatch(/broken off after \d+ bytes; what follows was not read\n$/);
  });
});
