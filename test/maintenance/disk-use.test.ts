import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { readOptions } from '../../src/config/options.js';
import { diskUseSettingsOf } from '../../src/daemon/settings.js';
import { DiskUse } from '../../src/maintenance/disk-use.js';

function diskUse() {
  const disk = {
    freeBytes: 1e9,
    hasRoomFor: (bytes: number) => disk.freeBytes >= bytes,
    take(bytes: number): void {
      disk.freeBytes -= bytes;
    },
  };
  const registry = new Registry();
  const options = {
    ...readOptions({ flags: new Map(), environment: {}, readFile: () => '' }),
    repositoryMaxMb: 10,
    repositoriesMaxGb: 1,
  };
  const settings = diskUseSettingsOf(options, disk);
  return { disk, registry, use: new DiskUse(settings, registry) };
}

it('counts what repositories take by what comes and goes', async () => {
  const { use, registry } = diskUse();
  use.add('/a', 5);
  use.add('/a', 5);
  use.set('/b', 7);
  use.set('/a', 3);
  expect([use.bytesOf('/a'), use.total]).toEqual([3, 10]);
  use.forget('/a');
  use.forget('/a');
  use.add('/c', 1);
  use.keepOnly(new Set(['/b', '/d']));
  expect([use.bytesOf('/a'), use.bytesOf('/c'), use.total]).toEqual([0, 0, 7]);
  expect(await registry.metrics()).toMatch(/^ngit_git_repositories_bytes 7$/m);
});

it('knows what all repositories of a folder take, with what is coming into them', () => {
  const { use } = diskUse();
  use.set('/key/a', 5);
  use.add('/key/b', 7);
  use.set('/other/a', 1);
  const coming = use.reserve('/key/new');
  expect(coming.take(3)).toBeUndefined();
  expect([use.takenBeside('/key/any'), use.takenBeside('/other/a'), use.takenBeside('/none/a')]).toEqual([
    15, 1, 0,
  ]);
  coming[Symbol.dispose]();
  use.set('/key/a', 2);
  expect(use.takenBeside('/key/a')).toBe(9);
  use.forget('/key/b');
  use.keepOnly(new Set(['/other/a']));
  expect([use.takenBeside('/key/a'), use.takenBeside('/other/a')]).toEqual([0, 1]);
});

it('refuses a push with the name of the limit that is met', () => {
  const { use, disk } = diskUse();
  use.set('/a', 9e6);
  expect([use.refusal('/a'), use.roomFor('/a')]).toEqual([undefined, 1e6]);
  use.add('/a', 1e6);
  expect(use.refusal('/a')).toContain('one may take 10 MB on this server (--repository-max-mb)');
  expect(use.roomFor('/a')).toBe(0);
  expect([use.refusal('/b'), use.roomFor('/b')]).toEqual([undefined, 10e6]);
  for (let number = 0; number < 99; number += 1) use.set(`/full/${number}`, 10e6);
  expect(use.refusal('/b')).toContain(
    'all repositories of this server may take 1 GB (--repositories-max-gb)',
  );
  expect(use.roomFor('/b')).toBe(0);
  use.keepOnly(new Set());
  expect(use.refusal('/b')).toBeUndefined();
  disk.freeBytes = 0;
  expect(use.refusal('/b')).toContain('--disk-floor-mb');
  expect(use.roomFor('/b')).toBe(0);
});

it('counts what is coming in, against each limit, until that ended', () => {
  const { use, disk } = diskUse();
  use.set('/a', 4e6);
  const [one, other, elsewhere] = [use.reserve('/a'), use.reserve('/a'), use.reserve('/b')];
  expect([one.take(3e6), other.take(2e6)]).toEqual([undefined, undefined]);
  expect(other.take(2e6)).toContain('10 MB on this server (--repository-max-mb)');
  expect([use.roomFor('/a'), use.bytesOf('/a')]).toEqual([1e6, 4e6]);
  one[Symbol.dispose]();
  expect(other.take(2e6)).toBeUndefined();
  other[Symbol.dispose]();
  expect(use.roomFor('/a')).toBe(6e6);
  for (let number = 0; number < 99; number += 1) use.set(`/full/${number}`, 10e6);
  expect(elsewhere.take(6e6)).toBeUndefined();
  expect(use.reserve('/c').take(1)).toContain('may take 1 GB (--repositories-max-gb)');
  elsewhere[Symbol.dispose]();
  expect(use.roomFor('/c')).toBe(6e6);
  // What was written stays written, whatever became of it: the disk is looked at again and again.
  expect(disk.freeBytes).toBe(1e9 - 13e6);
  disk.freeBytes = 5;
  const last = use.reserve('/b');
  expect(last.take(5)).toBeUndefined();
  expect(use.reserve('/c').take(1)).toContain('--disk-floor-mb');
});

it('counts of what takes the place of what is there only what is more, and all of it for the disk', () => {
  const { use, disk } = diskUse();
  use.set('/a', 6e6);
  const anew = use.reserveAnew('/a');
  expect([anew.take(4e6), use.takenBy('/a')]).toEqual([undefined, 6e6]);
  expect(anew.take(7e6)).toContain('10 MB on this server (--repository-max-mb)');
  expect([anew.take(5e6), use.takenBy('/a')]).toEqual([undefined, 9e6]);
  expect(disk.freeBytes).toBe(1e9 - 9e6);
  disk.freeBytes = 5;
  expect(anew.take(6)).toContain('--disk-floor-mb');
  anew[Symbol.dispose]();
  expect(use.takenBy('/a')).toBe(6e6);
});

it('leaves what is spared to others', () => {
  const { use } = diskUse();
  const proposal = use.reserve('/a', 5e6);
  expect(proposal.take(5e6)).toBeUndefined();
  expect(proposal.take(1)).toBe('this repository has no room for more pull requests (--repository-max-mb)');
  expect(use.reserve('/a').take(5e6)).toBeUndefined();
});

it('counts a file that several repositories have for each of them, and once for all together', async () => {
  const { use, registry } = diskUse();
  const [pack, index] = [
    { file: '1:7:4000000', bytes: 4e6 },
    { file: '1:8:70000', bytes: 70_000 },
  ];
  use.add('/a', 5e6);
  use.add('/b', 4e6);
  use.share(['/a', '/b'], [pack]);
  use.share(['/a', '/b'], [pack]);
  expect([use.bytesOf('/a'), use.bytesOf('/b'), use.total]).toEqual([5e6, 4e6, 5e6]);
  expect(await registry.metrics()).toMatch(/^ngit_git_shared_bytes 4000000$/m);
  expect(await registry.metrics()).toMatch(/^ngit_git_repositories_bytes 5000000$/m);
  // As they are when they were looked at: the first has a pack of its own now, a third has the shared one too.
  use.set('/c', 5e6);
  use.setFiles('/c', [pack, index]);
  use.setFiles('/b', [pack, index]);
  use.setFiles('/a', [{ file: '1:9:4000000', bytes: 4e6 }]);
  expect(use.total).toBe(14e6 - 4_070_000);
  // The file stays as long as one of them has it.
  use.forget('/b');
  expect(use.total).toBe(10e6);
  use.forget('/c');
  expect(use.total).toBe(5e6);
  // Each is held to its own limit by all that it has; what is left for all is not less by what is shared.
  for (let number = 0; number < 200; number += 1) {
    use.set(`/fork/${number}`, 9.5e6);
    use.setFiles(`/fork/${number}`, [{ file: '1:10:9000000', bytes: 9e6 }]);
  }
  expect([use.roomFor('/fork/1'), use.refusal('/new')]).toEqual([0.5e6, undefined]);
  // Each is let go of what it shares as long as there is room for that; what shares nothing takes no more.
  expect(use.hasRoomForOwn('/fork/1')).toBe(true);
  use.set('/full', 1e9 - use.total);
  expect([use.hasRoomForOwn('/fork/1'), use.hasRoomForOwn('/full')]).toEqual([false, true]);
});
