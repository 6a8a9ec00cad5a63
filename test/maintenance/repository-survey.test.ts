import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { surveyRepository, writeCareMark } from '../../src/maintenance/repository-survey.js';
import { git, scratchFolder, writeCommit } from '../git/scratch.js';

const { signal } = new AbortController();

/** Bytes that a folder takes on the disk with all that is in it. */
function bytesOf(folder: string): number {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return ['.', ...found].reduce((sum, name) => sum + 512 * lstatSync(join(folder, name)).blocks, 0);
}

it('counts what folders take, too, and those that refs lie in as if they were refs', async () => {
  using folder = scratchFolder();
  const gitDir = folder.path;
  git(gitDir, ['init', '-q', '--bare']);
  const commit = writeCommit(gitDir, 'one');
  await writeCareMark(gitDir, Date.now());
  const empty = await surveyRepository(gitDir, Date.now(), signal);
  expect([empty.bytes, empty.looseRefs]).toEqual([bytesOf(gitDir), 0]);
  const deep = 'refs/heads/a/b/c/d/e/f';
  git(gitDir, ['update-ref', deep, commit]);
  git(gitDir, ['update-ref', 'refs/nostr/x', commit]);
  const { bytes, looseRefs } = await surveyRepository(gitDir, Date.now(), signal);
  expect([bytes, looseRefs]).toEqual([bytesOf(gitDir), 2 + 'abcde'.length]);
  git(gitDir, ['pack-refs', '--all', '--prune']);
  expect((await surveyRepository(gitDir, Date.now(), signal)).looseRefs).toBe(0);
});
