import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { DiskUse } from '../../src/maintenance/disk-use.js';

function diskUse() {
  const disk = { isLow: false };
  const registry = new Registry();
  const settings = { repositoryBytesMax: 10e6, repositoriesBytesMax: 1e9, isDiskLow: () => disk.isLow };
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

it('refuses a push with the name of the limit that is met', () => {
  const { use, disk } = diskUse();
  use.set('/a', 9e6);
  expect([use.refusal('/a'), use.roomFor('/a')]).toEqual([undefined, 1e6]);
  use.add('/a', 1e6);
  expect(use.refusal('/a')).toContain('10 MB that one may take on this server (--repository-max-mb)');
  expect(use.roomFor('/a')).toBe(0);
  expect([use.refusal('/b'), use.roomFor('/b')]).toEqual([undefined, 10e6]);
  for (let number = 0; number < 99; number += 1) use.set(`/full/${number}`, 10e6);
  expect(use.refusal('/b')).toContain('1 GB that they may take (--repositories-max-gb)');
  expect(use.roomFor('/b')).toBe(0);
  use.keepOnly(new Set());
  expect(use.refusal('/b')).toBeUndefined();
  disk.isLow = true;
  expect(use.refusal('/b')).toContain('--disk-floor-mb');
  expect(use.roomFor('/b')).toBe(0);
});
