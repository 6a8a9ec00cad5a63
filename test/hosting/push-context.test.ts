import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Git } from '../../src/git/git-command.js';
import { currentRefs } from '../../src/hosting/push-context.js';

const id = 'a'.repeat(40);
const commandOn = (ref: string) => ({ old: id, new: id, ref });

let gitDir = '';
beforeEach(async () => {
  gitDir = await mkdtemp(join(tmpdir(), 'graspd-context-'));
  // It has an object, so git is asked for its refs.
  await mkdir(join(gitDir, 'objects', '01'), { recursive: true });
});
afterEach(() => rm(gitDir, { recursive: true, force: true }));

/** A git that tells what it was asked, and has one branch. */
function asked(): { readonly git: Git; readonly patterns: string[][] } {
  const patterns: string[][] = [];
  const git: Git = {
    run: async ({ args }) => {
      patterns.push(args.slice(args.indexOf('--') + 1));
      return `${id} refs/heads/main\n`;
    },
  };
  return { git, patterns };
}

describe('the names that a push commands', () => {
  it('reach git only where it would take them as names of refs, for it reads them as patterns', async () => {
    const { git, patterns } = asked();
    const slow = `refs/tags/${'**/'.repeat(12)}b`;
    const names = [
      'refs/heads/main',
      slow,
      'refs/heads/*',
      'refs/heads/[a-z]',
      'refs/heads/?',
      '--all',
      'HEAD',
      'refs/heads/',
    ];
    const { refs } = await currentRefs(git, gitDir, names.map(commandOn));
    expect(patterns).toEqual([['refs/heads/main']]);
    expect([...refs]).toEqual([['refs/heads/main', id]]);
  });

  it('are not asked for where none is one', async () => {
    const { git, patterns } = asked();
    expect([...(await currentRefs(git, gitDir, [commandOn('refs/heads/*')])).refs]).toEqual([]);
    expect(patterns).toEqual([]);
  });
});
