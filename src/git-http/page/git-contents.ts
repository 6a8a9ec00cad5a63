import { exceeds } from '../../config/limit-use.js';
import { isEmpty, readHead } from '../../git/refs.js';
import { askGit, type PageGit, readObjects } from './page-git.js';
import { type ListedRef, listRefs, newestOf, type RefLines, readSummaries } from './ref-lines.js';

/** What git says of a repository. */
export type GitContents = {
  /** The branch of HEAD, as its line names it; `undefined` where it is none. */
  readonly head: string | undefined;
  readonly branches: RefLines;
  readonly tags: RefLines;
  /** Of HEAD; `text` is missing where it is too large. */
  readonly readme: { readonly name: string; readonly text: string | undefined } | undefined;
};

const branchPrefix = 'refs/heads/';
const tagPrefix = 'refs/tags/';

/** Reads what the page of a repository shows, and all of its branches and tags; one git runs at a time. Rejects as `askGit`. */
export async function readContents(
  git: PageGit,
): Promise<{ readonly contents: GitContents; readonly refs: readonly ListedRef[] }> {
  const headRef = await readHead(git.gitDir);
  const head = headRef?.startsWith(branchPrefix) ? headRef.slice(branchPrefix.length) : undefined;
  const hasObjects = !(await isEmpty(git.gitDir));
  const refs = hasObjects ? await listRefs(git) : [];
  const summaries = await readSummaries(git, refs);
  const branches = newestOf(refs, branchPrefix, summaries);
  const tags = newestOf(refs, tagPrefix, summaries);
  const readme = hasObjects ? await readReadme(git) : undefined;
  return { contents: { head, branches, tags, readme }, refs };
}

const readmeNames = [
  'README.md',
  'README',
  'README.txt',
  'README.rst',
  'README.adoc',
  'README.org',
  'readme.md',
  'Readme.md',
];

async function readReadme(git: PageGit): Promise<GitContents['readme']> {
  const check = ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'];
  const listed = await askGit(git, check, readmeNames.map((name) => `HEAD:${name}\n`).join(''));
  for (const [index, line] of listed.toString('latin1').split('\n').entries()) {
    const [objectId = '', type, size] = line.split(' ');
    const name = readmeNames[index];
    if (type !== 'blob' || name === undefined) continue;
    if (exceeds('pageReadmeBytesMax', Number(size))) return { name, text: undefined };
    return { name, text: (await readObjects(git, [objectId])).get(objectId)?.content };
  }
  return undefined;
}
