import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('what `npm pack` makes holds all that runs, and nothing of the tests', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-package-'));
  try {
    // The build is there; scripts would make it again under the feet of other tests.
    const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(packed).toMatchObject({ status: 0 });
    const [file = ''] = await readdir(folder);
    expect(spawnSync('tar', ['-xzf', join(folder, file), '-C', folder])).toMatchObject({ status: 0 });
    const unpacked = join(folder, 'package');
    expect((await readdir(unpacked)).sort()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
        'assets',
        'deploy',
        'dist',
        'docs',
        'package.json',
      ].sort(),
    );
    expect(await readdir(join(unpacked, 'dist'))).toEqual(
      expect.arrayContaining(['main.js', 'kernels.wasm']),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
