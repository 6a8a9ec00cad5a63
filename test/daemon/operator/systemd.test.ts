import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inheritedSocket, notifyReady } from '../../../src/daemon/operator/systemd.js';
import { ListenError } from '../../../src/http/listen-error.js';

describe('the socket that systemd hands over', () => {
  it('is the first descriptor after the standard ones, where it is meant for this process', () => {
    expect(inheritedSocket({ LISTEN_PID: '41', LISTEN_FDS: '1' }, 41)).toEqual({ descriptor: 3 });
    expect(inheritedSocket({ LISTEN_PID: '40', LISTEN_FDS: '1' }, 41)).toBeUndefined();
    expect(inheritedSocket({ LISTEN_PID: '41' }, 41)).toBeUndefined();
    expect(inheritedSocket({}, 41)).toBeUndefined();
  });

  it('is one, or the start fails', () => {
    const several = () => inheritedSocket({ LISTEN_PID: '41', LISTEN_FDS: '2' }, 41);
    expect(several).toThrow(ListenError);
    expect(several).toThrow('graspd serves one socket, and was given 2');
  });
});

describe('telling systemd that the process is ready', () => {
  const folders: string[] = [];
  const goesOn = new AbortController().signal;
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  /** A folder with a `systemd-notify` that writes down how it was called, and ends with `code`. */
  async function withProgram(code: number, work = 'true'): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-notify-'));
    folders.push(folder);
    const script = `#!/bin/sh\necho "$NOTIFY_SOCKET $*" > ${folder}/called\n${work}\nexit ${code}\n`;
    await writeFile(join(folder, 'systemd-notify'), script);
    await chmod(join(folder, 'systemd-notify'), 0o755);
    return folder;
  }

  it('is done by systemd-notify, with the socket to tell', async () => {
    const folder = await withProgram(0);
    expect(await notifyReady({ NOTIFY_SOCKET: '/run/notify', PATH: folder }, goesOn)).toBe(true);
    expect(await readFile(join(folder, 'called'), 'utf8')).toBe('/run/notify --ready\n');
  });

  it('does not hold up the end', async () => {
    const folder = await withProgram(0, 'sleep 60');
    const stop = new AbortController();
    const told = notifyReady({ NOTIFY_SOCKET: '/run/notify', PATH: `${folder}:/bin` }, stop.signal);
    stop.abort();
    expect(await told).toBe(false);
  });

  it('is not tried where nobody waits for it', async () => {
    expect(await notifyReady({ PATH: '/nowhere' }, goesOn)).toBe(true);
  });

  it('says where it failed', async () => {
    expect(await notifyReady({ NOTIFY_SOCKET: '/run/notify', PATH: await withProgram(1) }, goesOn)).toBe(
      false,
    );
    expect(await notifyReady({ NOTIFY_SOCKET: '/run/notify', PATH: '/nowhere' }, goesOn)).toBe(false);
  });
});
