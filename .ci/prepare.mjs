/**
 * What npm runs after an install here: builds `dist/`. An install without the development packages (`--omit=dev`, or
 * NODE_ENV=production) has no compilers: then a build that is there already is what it is for, and without one it ends
 * with a line that says what to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const hasCompilers = ['asc', 'tsc'].every((name) => existsSync(`node_modules/.bin/${name}`));
if (hasCompilers) {
  const { status } = spawnSync('npm', ['run', 'build'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
} else if (!existsSync('dist/main.js') || !existsSync('dist/kernels.wasm')) {
  console.error(
    'graspd: there is no build, and no compilers to make one: run "npm install --include=dev", then "npm prune --omit=dev"',
  );
  process.exitCode = 1;
}
