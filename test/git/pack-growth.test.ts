import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { endedBy, type Git } from '../../src/git/git-command.js';
import { copyObjects } from '../../src/git/objects/copy-objects.js';
import { PackGrowthError } from '../../src/git/objects/pack-growth.js';
import { Quarantine } from '../../src/git/objects/quarantine.js';
import { deferred, onAbort } from '../../src/lib/abort.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { scratchFolder } from './scratch.js';

type Keep = (git: Git, quarantine: Quarantine, clock: VirtualClock, seen: number[]) => Promise<unknown>;

const objectIds = ['a'.repeat(40)];

/** It may have 1,000 bytes. */
function growth(clock: VirtualClock, seen: number[]) {
  const lackAt = (bytes: number) => {
    seen.push(bytes);
    return bytes > 1_000 ? ({ cause: 'large', reason: 'too much' } as const) : undefined;
  };
  return { clock, lackAt };
}

it.each([
  [
    'of what is kept',
    (git, quarantine, clock, seen) => quarantine.keepOnly(git, objectIds, 60_000, growth(clock, seen)),
  ],
  [
    'that is copied',
    (git, quarantine, clock, seen) =>
      copyObjects(git, quarantine, {
        fromDir: quarantine.gitDir,
        objectIds,
        msMax: 60_000,
        clock,
        growth: growth(clock, seen),
      }),
  ],
] as [string, Keep][])(
  'A pack %s is ended while git writes it, where that is more than it may be',
  async (_, keep) => {
    using folder = scratchFolder();
    const clock = new VirtualClock();
    const path = join(folder.path, 'quarantine');
    mkdirSync(join(path, 'pack'), { recursive: true });
    const write = (bytes: number) => writeFileSync(join(path, 'pack', 'tmp_pack_x'), 'x'.repeat(bytes));
    const writing = deferred<void>();
    const git: Git = {
      async run({ args }, signal) {
        if (args[0] !== 'pack-objects') return '';
        write(900);
        writing.resolve();
        const end = deferred<never>();
        using _ = onAbort(signal, end.reject);
        return await end.promise;
      },
    };
    const seen: number[] = [];
    const kept = keep(
      endedBy(git, new AbortController().signal),
      new Quarantine(folder.path, path),
      clock,
      seen,
    );
    const ended = expect(kept).rejects.toBeInstanceOf(PackGrowthError);
    await writing.promise;
    await clock.advance(limits.packGrowthLookMs);
    await expect.poll(() => seen).toEqual([900]);
    await settle();
    write(1_100);
    await clock.advance(limits.packGrowthLookMs);
    await ended;
    expect(seen).toEqual([900, 1_100]);
    expect(clock.timers).toBe(0);
  },
);
