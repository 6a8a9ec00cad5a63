import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it, test } from 'vitest';
import { manPage } from '../../.ci/man-page.js';
import manifest from '../../package.json' with { type: 'json' };
import { commands as listed, loadAll } from '../../src/commands/commands.js';
import { optionFlags } from '../../src/config/arguments.js';

const commands = await loadAll(listed);
const page = manPage(commands);
const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

it('names every command and every option', () => {
  for (const { name } of commands)
    expect(page).toMatch(new RegExp(`^\\.SS ${name.replaceAll('-', '\\\\-')}`, 'm'));
  for (const flag of optionFlags.keys())
    expect(page).toContain(`\\fB\\-\\-${flag.replaceAll('-', '\\-')}\\fR`);
});

it('escapes what roff would take for its own, and all that is not ASCII', () => {
  expect(page).toMatch(/^[\n -~]*$/);
  const odd = { ...commands[0]!, summary: '.so back\\slash…' };
  expect(manPage([odd])).toContain('\n\\&.so back\\eslash\\[u2026].\n');
});

it('is where the package says', () => {
  expect(existsSync(manifest.man)).toBe(true);
});

test.skipIf(!has('groff'))('groff has nothing to say about it (skipped where it is not installed)', () => {
  const { status, stderr, stdout } = spawnSync('groff', ['-man', '-ww', '-z'], {
    input: page,
    encoding: 'utf8',
  });
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '' });
});
