import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { alignRefs } from '../../src/git/align-refs.js';
import type { GitCommand } from '../../src/git/git-command.js';
import { readRefFiles } from '../../src/git/refs.js';
import { seededRandom } from '../../src/lib/random.js';
import { git, refsOf, scratchFolder, writeCommit } from './scratch.js';

it('reads from files the refs that git reads, loose, packed, both, and with tags of tags', async () => {
  const random = seededRandom(7);
  using folder = scratchFolder();
  const { path } = folder;
  git(path, ['init', '-q', '--bare']);
  expect(await refsIn(path)).toEqual({});
  const commits = Array.from({ length: 5 }, (_, index) => writeCommit(path, `${index}`));
  const names = [
    'refs/heads/main',
    'refs/heads/a/b',
    'refs/tags/v1',
    `refs/nostr/${'c'.repeat(64)}`,
    'refs/notes/n',
  ];
  for (let step = 0; step < 40; step++) {
    const name = names[Math.floor(random.next() * names.length)] as string;
    const commit = commits[Math.floor(random.next() * commits.length)] as string;
    const draw = random.next();
    if (draw < 0.6) git(path, ['update-ref', name, commit]);
    else if (draw < 0.8) git(path, ['update-ref', '-d', name]);
    else if (draw < 0.9) git(path, ['pack-refs', '--all']);
    else git(path, ['tag', '-f', '-a', '-m', 'tag', 'annotated', commit]);
    expect(await refsIn(path)).toEqual(refsOf(path));
  }
});

it('leaves to git what is not plain: symbolic refs, damaged files, another way of keeping refs, very many', async () => {
  using folder = scratchFolder();
  const { path } = folder;
  git(path, ['init', '-q', '--bare']);
  const commit = writeCommit(path, 'one');
  git(path, ['update-ref', 'refs/heads/main', commit]);
  git(path, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/main']);
  expect(await readRefFiles(path)).toBeUndefined();
  git(path, ['symbolic-ref', '-d', 'refs/heads/alias']);
  writeFileSync(join(path, 'packed-refs'), 'nonsense\n');
  expect(await readRefFiles(path)).toBeUndefined();
  writeFileSync(join(path, 'packed-refs'), '');
  for (let index = 0; index <= limits.looseRefsReadMax; index++)
    writeFileSync(join(path, 'refs', 'heads', `n${index}`), `${commit}\n`);
  expect(await readRefFiles(path)).toBeUndefined();
});

it('asks git nothing about a repository that is as it is to be', async () => {
  using folder = scratchFolder();
  const { path } = folder;
  git(path, ['init', '-q', '--bare', '--initial-branch=main']);
  const commit = writeCommit(path, 'one');
  git(path, ['update-ref', 'refs/heads/main', commit]);
  const asked: GitCommand[] = [];
  const nothing = {
    async run(command: GitCommand) {
      asked.push(command);
      return '';
    },
  };
  const wanted = {
    declared: new Map([['refs/heads/main', commit]]),
    head: 'refs/heads/main',
    pullRequests: new Map(),
  };
  const found = await alignRefs(nothing, path, wanted);
  expect(found).toEqual({ changes: [], waiting: [], head: undefined });
  expect(asked).toEqual([]);
});

async function refsIn(path: string): Promise<Record<string, string>> {
  return Object.fromEntries((await readRefFiles(path)) ?? [['no', 'files']]);
}
