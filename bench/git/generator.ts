import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Random, seededRandom } from '../../src/lib/random.js';
import { gitEnvironment, runGit } from './git.js';

/** The shape of a repository; the same shape is the same repository, to the last object. */
export type RepositoryShape = {
  readonly seed: number;
  readonly commits: number;
  /** New files of each commit, and their bytes, which do not compress. */
  readonly filesPerCommit: number;
  readonly fileBytes: number;
  /** Branches beside `main`, each upon one of its commits. */
  readonly branches: number;
};

const bytesPerMegabyte = 1_000_000;
const seconds = 1_700_000_000;

/** Files of 25 kB, four a commit. */
export function largeShape(megabytes: number): RepositoryShape {
  const [filesPerCommit, fileBytes] = [4, 25_000];
  const commits = Math.ceil((megabytes * bytesPerMegabyte) / (filesPerCommit * fileBytes));
  return { seed: 1, commits, filesPerCommit, fileBytes, branches: 0 };
}

export const smallShape: RepositoryShape = {
  seed: 2,
  commits: 100,
  filesPerCommit: 2,
  fileBytes: 1_000,
  branches: 0,
};

export function manyRefsShape(refs: number): RepositoryShape {
  return { seed: 3, commits: 10, filesPerCommit: 1, fileBytes: 100, branches: refs - 1 };
}

/** Bytes of all files, which is about what its packs have. */
export function bytesOf({ commits, filesPerCommit, fileBytes }: RepositoryShape): number {
  return commits * filesPerCommit * fileBytes;
}

/** Makes a bare repository of that shape in a folder that is not there yet. */
export async function generateRepository(gitDir: string, shape: RepositoryShape): Promise<void> {
  await runGit(['init', '--quiet', '--bare', '--initial-branch=main', gitDir]);
  const child = spawn('git', [`--git-dir=${gitDir}`, 'fast-import', '--quiet'], {
    env: gitEnvironment,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit');
  for (const piece of importPieces(shape)) {
    if (!child.stdin.write(piece)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = await exited;
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

/** What `git fast-import` reads. */
function* importPieces({ seed, commits, filesPerCommit, fileBytes, branches }: RepositoryShape) {
  const random = seededRandom(seed);
  for (let commit = 1; commit <= commits; commit += 1) {
    const message = `commit ${commit}`;
    const who = `a <a@example.com> ${seconds + commit} +0000`;
    yield `commit refs/heads/main\nmark :${commit}\ncommitter ${who}\ndata ${message.length}\n${message}\n`;
    for (let file = 0; file < filesPerCommit; file += 1) {
      yield `M 100644 inline ${commit % 100}/${commit}-${file}\ndata ${fileBytes}\n`;
      yield randomBytes(random, fileBytes);
      yield '\n';
    }
  }
  for (let branch = 1; branch <= branches; branch += 1) {
    yield `reset refs/heads/topic/${branch}\nfrom :${1 + (branch % commits)}\n\n`;
  }
}

function randomBytes(random: Random, count: number): Buffer {
  const words = Uint32Array.from({ length: Math.ceil(count / 4) }, () => random.next() * 2 ** 32);
  return Buffer.from(words.buffer, 0, count);
}
