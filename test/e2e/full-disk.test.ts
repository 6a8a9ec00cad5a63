import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nsecEncode } from 'nostr-tools/nip19';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Options, readOptions } from '../../src/config/options.js';
import { startDaemon } from '../../src/daemon/daemon.js';
import { surroundingsOf } from '../../src/daemon/surroundings.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { TestClient } from '../support/test-client.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-full-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function optionsOnFreePort(): Promise<Options & { port: number }> {
  const port = await freePort();
  const options = readOptions({
    flags: new Map([
      ['bind-address', `127.0.0.1:${port}`],
      // What is archived is stored at once.
      ['archive-all', 'true'],
      ['relay-data-path', join(folder, 'relay')],
      ['git-data-path', join(folder, 'git')],
      ['relay-owner-nsec', nsecEncode(new Uint8Array(32).fill(7))],
    ]),
    environment: {},
    readFile: () => '',
  });
  return { ...options, port };
}

it('starts on a full disk and says so, serves what it has, and takes events again when there is room', async () => {
  const { port, ...options } = await optionsOnFreePort();
  const author = testIdentity(1);
  const announcement = (d: string) =>
    signedEvent(author, {
      kind: 30_617,
      tags: [
        ['d', d],
        ['clone', `http://${options.domain}/npub/${d}.git`],
        ['relays', `ws://${options.domain}`],
      ],
    });
  const before = announcement('before');
  const after = announcement('after');
  let freeBytes = 10 ** 9;
  const lines: string[] = [];
  const around = {
    ...surroundingsOf(pino({}, { write: (line: string) => lines.push(line) })),
    diskSpace: { freeBytes: async () => freeBytes },
  };
  const url = `ws://127.0.0.1:${port}`;
  {
    await using _daemon = await startDaemon(options, around);
    await using client = await TestClient.connect(url);
    expect(await client.publish(before)).toMatchObject({ accepted: true });
  }
  expect(lines.join('')).not.toContain('disk is full');
  freeBytes = 1_000_000;
  await using _daemon = await startDaemon(options, around);
  expect(lines.join('')).toContain('disk is full: no events are taken until there is room; 1 MB are free');
  await using client = await TestClient.connect(url);
  expect(await client.publish(after)).toEqual({
    accepted: false,
    reason: expect.stringMatching(/^error: the disk of this relay is full/),
  });
  expect(await client.query({ kinds: [30_617] })).toEqual([before]);
  const metrics = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(await metrics()).toMatch(/^ngit_disk_low 1$/m);
  freeBytes = 10 ** 9;
  await eventually(async () => /^ngit_disk_low 0$/m.test(await metrics()));
  expect(await client.publish(after)).toMatchObject({ accepted: true });
});
