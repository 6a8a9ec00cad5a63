import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { Git } from '../../git/git-command.js';
import { isEmpty, readHead } from '../../git/refs.js';

/** A branch or tag, its name without `refs/heads/` or `refs/tags/`. */
export type RefLine = {
  readonly name: string;
  /** What it stands for; of an annotated tag, what that is on. */
  readonly commit: string;
  /** Day of the commit or tag, as git writes it. */
  readonly date: string;
  readonly subject: string;
};

/** The newest refs of one sort. */
export type RefLines = {
  readonly lines: readonly RefLine[];
  readonly hasMore: boolean;
  readonly length: number;
};

/** What git says of a repository. */
export type GitContents = {
  /** The branch of HEAD, as its line names it; `undefined` where it is none. */
  readonly head: string | undefined;
  readonly branches: RefLines;
  readonly tags: RefLines;
  /** Of HEAD; `text` is missing where it is too large. */
  readonly readme: { readonly name: string; readonly text: string | undefined } | undefined;
};

const noRefs: RefLines = { lines: [], hasMore: false, length: 0 };
const branchPrefix = 'refs/heads/';

/** Reads what the page of a repository shows. Rejects with `GitError` or `TimeLimitError`. */
export async function readContents(git: Git, gitDir: string): Promise<GitContents> {
  const headRef = await readHead(gitDir);
  const head = headRef?.startsWith(branchPrefix) ? headRef.slice(branchPrefix.length) : undefined;
  if (await isEmpty(gitDir)) return { head, branches: noRefs, tags: noRefs, readme: undefined };
  const [branches, tags, readme] = await Promise.all([
    readNewest(git, gitDir, branchPrefix),
    readNewest(git, gitDir, 'refs/tags/'),
    readReadme(git, gitDir),
  ]);
  return { head, branches, tags, readme };
}

const fieldFormat =
  '%(refname)%00%(objectname)%00%(*objectname)%00%(creatordate:short)%00%(contents:subject)';

async function readNewest(git: Git, gitDir: string, prefix: string): Promise<RefLines> {
  const count = limits.pageRefsMax + 1;
  const args = [
    'for-each-ref',
    '--sort=-creatordate',
    `--count=${count}`,
    `--format=${fieldFormat}`,
    '--',
    prefix,
  ];
  // Git keeps the subjects of all refs, and each may be of any length.
  const allocationBytesMax = limits.pageObjectBytesMax;
  const lines = (await git.run({ gitDir, args, allocationBytesMax }))
    .split('\n')
    .filter((line) => line !== '');
  return {
    lines: lines.slice(0, limits.pageRefsMax).map((line) => refLineOf(line, prefix)),
    hasMore: lines.length > limits.pageRefsMax,
    length: lines.length,
  };
}

function refLineOf(line: string, prefix: string): RefLine {
  const [name = '', object = '', peeled = '', date = '', subject = ''] = line.split('\0');
  return {
    name: name.slice(prefix.length),
    commit: peeled === '' ? object : peeled,
    date,
    subject: subject.slice(0, limits.pageLineCharsMax),
  };
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

async function readReadme(git: Git, gitDir: string): Promise<GitContents['readme']> {
  const listed = await git.run({
    gitDir,
    args: ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'],
    input: readmeNames.map((name) => `HEAD:${name}\n`).join(''),
  });
  for (const [index, line] of listed.split('\n').entries()) {
    const [object = '', type, size] = line.split(' ');
    const name = readmeNames[index];
    if (type !== 'blob' || name === undefined) continue;
    if (exceeds('pageReadmeBytesMax', Number(size))) return { name, text: undefined };
    return { name, text: await git.run({ gitDir, args: ['cat-file', 'blob', object] }) };
  }
  return undefined;
}
