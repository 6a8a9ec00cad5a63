import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { commands, loadAll } from '../../src/commands/commands.js';

/** All of our own files that are loaded with one, but for what is loaded later, when it is called for. */
function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export|}) .*?'(\.[^']+\.js)';$/gm,
  ))
    loadedWith(join(dirname(file), specifier), loaded);
  return loaded;
}

it('each command has the name by which it is listed', async () => {
  const loaded = await loadAll(commands);
  expect(loaded.map(({ name }) => name)).toEqual(commands.map(({ name }) => name));
});

it.each([
  'main.js',
  'commands/operator/status.js',
  'commands/operator/reload.js',
  'commands/operator/ban.js',
])('%s is loaded without what a daemon is made of', (file) => {
  const ofDaemon = loadedWith(join('dist', 'commands/serve.js')).size;
  expect(loadedWith(join('dist', file)).size).toBeLessThan(ofDaemon / 5);
});
