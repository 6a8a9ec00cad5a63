import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Gives a folder the packages that an install without the development packages would, from those that are here. */
async function installPackages(folder: string): Promise<void> {
  const { stdout } = spawnSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  });
  const below = join(root, 'node_modules/');
  for (const path of stdout.split('\n').filter((line) => line.startsWith(below))) {
    const name = path.slice(below.length);
    // Those inside another come with it.
    if (name.includes('/node_modules/')) continue;
    const target = join(folder, 'node_modules', name);
    await mkdir(dirname(target), { recursive: true });
    await cp(path, target, { recursive: true });
  }
}

it('what `npm pack` makes runs without development packages, and has nothing of the tests', async () => {
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
    await installPackages(unpacked);
    await using daemon = await DaemonProcess.start({ program: join(unpacked, 'dist/main.js') });
    for (const path of ['/healthz', '/status', '/assets/uplot.js']) {
      expect((await fetch(`http://127.0.0.1:${daemon.port}${path}`)).status).toBe(200);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
