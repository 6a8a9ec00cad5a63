import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { commands as listed, loadAll } from '../../src/commands/commands.js';
import { bashCompletion } from '../../src/commands/completion/bash.js';
import { commandLineOf } from '../../src/commands/completion/command-line.js';
import { fishCompletion } from '../../src/commands/completion/fish.js';
import { zshCompletion } from '../../src/commands/completion/zsh.js';
import { optionFlags } from '../../src/config/arguments.js';

const commands = await loadAll(listed);
const lines = commands.map(commandLineOf);
const names = [...commands.map(({ name }) => name), 'help', 'version'];
const folder = mkdtempSync(join(tmpdir(), 'graspd-completion-'));
writeFileSync(join(folder, 'back up.tar'), '');
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a shell on a script of its own language, in a folder with one file; what it wrote, by lines. */
function linesOf(shell: string, script: string, args: readonly string[] = []): string[] {
  const env = { PATH: process.env.PATH, HOME: folder };
  const text = execFileSync(shell, [...args, '-c', script], { cwd: folder, env, encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}

/** Whether a shell is there; a test that is skipped for it says so by its name. */
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe('in bash', () => {
  /** What bash would offer for the last of these words, of which it makes three of `--flag=value`. */
  const offered = (...words: string[]): string[] => {
    const typed = ['graspd', ...words].map((word) => `'${word}'`).join(' ');
    const call = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _graspd; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf('bash', `${bashCompletion('graspd', lines)}\n${call}`, ['--noprofile', '--norc']);
  };

  it('completes commands', () => {
    expect(offered('')).toEqual(names);
    expect(offered('ba')).toEqual(['ban', 'bans', 'backup']);
    expect(offered('help', 'rel')).toEqual(['relays', 'reload']);
  });

  it('completes the flags of a command, and all options where it takes them', () => {
    const options = [...optionFlags.keys()].map((name) => `--${name}`);
    const own = ['--filter', '--help', '--version'];
    expect(offered('export', '--').sort()).toEqual([...own, ...options].sort());
    expect(offered('--accept')).toEqual(['--accept-closing']);
    expect(offered('demo', '--')).toEqual(['--verbose', '--help', '--version']);
  });

  it('completes values: words, files, and nothing where only the operator knows', () => {
    expect(offered('--log-level', 'd')).toEqual(['debug']);
    expect(offered('status', '--durability', '=', 's')).toEqual(['sync', 'system']);
    expect(offered('--archive-all', '=')).toEqual(['true', 'false']);
    expect(offered('--config', 'ba')).toEqual(['back up.tar']);
    expect(offered('export', '--filter', '')).toEqual([]);
    expect(offered('--domain', '')).toEqual([]);
  });

  it('completes arguments', () => {
    expect(offered('restore', '')).toEqual(['back up.tar']);
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(offered('ban', '')).toEqual([]);
  });
});

describe.skipIf(!has('fish'))('in fish (skipped where it is not installed)', () => {
  const offered = (line: string): string[] =>
    linesOf('fish', `${fishCompletion('graspd', lines)}\ncomplete -C '${line}'`, ['--no-config']).map(
      (reply) => reply.split('\t')[0] ?? '',
    );

  it('completes commands, flags, values and arguments', () => {
    expect(offered('graspd ').sort()).toEqual([...names].sort());
    expect(offered('graspd export --fil')).toEqual(['--filter']);
    expect(offered('graspd --log-level de')).toEqual(['debug']);
    expect(offered('graspd demo --verb')).toEqual(['--verbose']);
    expect(offered('graspd demo --log-lev')).toEqual([]);
    expect(offered('graspd completion ').sort()).toEqual(['bash', 'fish', 'zsh']);
    expect(offered('graspd restore ba')).toHaveLength(1);
    expect(offered('graspd ban ')).toEqual([]);
  });
});

describe.skipIf(!has('zsh'))('in zsh (skipped where it is not installed)', () => {
  /** What the script gives to the completion system for the last of these words. */
  const asked = (...words: string[]): string[] => {
    const system = 'compdef() {}; _arguments() { print -rl -- "$@" }; _describe() { print -rl -- $commands }';
    const typed = ['graspd', ...words].map((word) => `'${word}'`).join(' ');
    const call = `words=(${typed}); CURRENT=${words.length + 1}; _graspd`;
    return linesOf('zsh', `${system}\n${zshCompletion('graspd', lines)}\n${call}`, ['-f']);
  };

  it('completes commands', () => {
    expect(asked('').map((line) => line.split(':')[0])).toEqual(names);
  });

  it('completes flags, values and arguments', () => {
    const specs = asked('restore', '');
    expect(specs.some((spec) => /^--check=-\[[^\]]+\]::value:\(true false\)$/.test(spec))).toBe(true);
    expect(specs.filter((spec) => spec.includes('--log-level'))[0]).toMatch(/:\(fatal error .* silent\)$/);
    expect(specs).toContain('*:argument:_files');
    expect(asked('completion', '')).toContain('*:argument:(bash zsh fish)');
    expect(asked('--').length).toBeGreaterThan(optionFlags.size);
  });
});

test('the built program writes one, and takes no other shell', () => {
  const run = (shell: string) =>
    spawnSync(process.execPath, ['dist/main.js', 'completion', shell], { encoding: 'utf8' });
  expect(run('bash').stdout).toBe(bashCompletion('graspd', lines));
  const { status, stderr } = run('tcsh');
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: "graspd: completion takes bash|zsh|fish, not 'tcsh'\n",
  });
});
