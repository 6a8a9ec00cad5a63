import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { npubOf } from '../../src/nostr/keys.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { foreign, key } from '../policy/world.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { eventually } from '../support/eventually.js';

const archived = 12;
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graspd-closing-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const start = (...flags: string[]) => DaemonProcess.start({ directory, flags });
const folderOf = (number: number) => join(directory, 'data', 'git', npubOf(key(1)), `repo-${number}.git`);
const count = (isThat: (path: string) => boolean) =>
  Array.from({ length: archived }, (_, number) => folderOf(number)).filter(isThat).length;
const countClosed = () => count((path) => existsSync(join(path, 'graspd-closed')));

describe('an archive that is started without its archive settings', () => {
  it('is refused with the number and the setting that changed, unless that number is accepted', async () => {
    const { store } = await openLevelStore({ path: join(directory, 'data', 'relay'), clock: systemClock });
    for (let number = 0; number < archived; number += 1) store.put(foreign(key(1), `repo-${number}`));
    await store[Symbol.asyncDispose]();
    {
      await using _daemon = await start('--archive-all');
      await eventually(() => count(existsSync) === archived);
    }
    for (const flags of [[], ['--accept-closing', '11']]) {
      const refused = start(...flags);
      await expect(refused).rejects.toThrow('12 of 12 repositories');
      await expect(refused).rejects.toThrow('--archive-all was true and is false');
    }
    expect(countClosed()).toBe(0);
    {
      await using _daemon = await start('--archive-all', '--domain', 'git.example.org');
    }
    expect(countClosed()).toBe(0);
    {
      await using _daemon = await start('--accept-closing', '12');
      await eventually(() => countClosed() === archived);
    }
    {
      // What was accepted once goes on.
      await using _daemon = await start();
    }
  });
});
