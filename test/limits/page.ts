import { PassThrough } from 'node:stream';
import type { GitStreams } from '../../src/git/git-streams.js';
import { askGit } from '../../src/git-http/page/page-git.js';
import { countRoots, type RootCounts } from '../../src/git-http/page/root-counts.js';
import type { Filter } from '../../src/nostr/filter.js';
import { kinds } from '../../src/nostr/kinds.js';
import { plainEvent } from '../relay/fakes.js';
import { type Entry, hex, many } from './entry.js';

const page = 'git-http/repository-page.test.ts';

/** What is counted of so many issues, with statuses of the first: the oldest is of its author, the others of nobody who may. */
async function counted(issues: number, statuses: number, statusBytes = 1): Promise<RootCounts> {
  const store = {
    async *idsInTurns({ kinds: asked = [] }: Filter) {
      if (asked.includes(kinds.issue)) yield many(issues, (at) => hex(at + 1));
    },
    authorOf: () => hex(7),
    async *query([{ limit }]: [Filter]) {
      const events = many(statuses, (at) =>
        plainEvent(at, {
          kind: kinds.statusOpen + 1,
          pubkey: hex(at + 1 === statuses ? 7 : 8),
          tags: [['e', hex(1)]],
        }),
      );
      yield events.slice(0, limit).map((event) => ({ event, bytes: { length: statusBytes } }));
    },
  };
  return await countRoots(store as unknown as Parameters<typeof countRoots>[0], '', new Set());
}

/** The bounds within which git is asked for a page. */
async function asked(): Promise<{ readonly allocationBytesMax: number; readonly msMax: number }> {
  let bounds = { allocationBytesMax: 0, msMax: 0 };
  const streams = {
    start: async (command: typeof bounds) => {
      bounds = command;
      const ended = { exitCode: 0, complaint: '', isLate: false };
      return { input: new PassThrough(), output: new PassThrough().end(), ended, end: () => {} };
    },
  } as unknown as GitStreams;
  await askGit({ streams, gitDir: '/', signal: new AbortController().signal }, ['version']);
  return bounds;
}

/** What the page of a repository shows, and is made of. */
export const pageEntries = {
  pageObjectsBytesMax: {
    test: [page, 'has no more than the names of what large commits and tags stand for'],
  },
  pageAllocationBytesMax: { edge: async (bytes) => (await asked()).allocationBytesMax >= bytes },
  pageGitMsMax: { edge: async (ms) => (await asked()).msMax >= ms },
  pageFailureMsMax: {
    test: [page, 'is refused where git cannot read it, which is not tried again for a while'],
  },
  pageRefsMax: { test: [page, 'is bounded: in refs, and in the README'] },
  pageMaintainersMax: { test: [page, 'is bounded: in maintainers, and in its description'] },
  pageLineCharsMax: {
    test: ['web/status-page.test.ts', 'cuts what is long, and says how much more there is'],
  },
  pageDescriptionCharsMax: { test: [page, 'is bounded: in maintainers, and in its description'] },
  pageReadmeBytesMax: { test: [page, 'is bounded: in refs, and in the README'] },
  pageEscapeCharsPerPiece: {
    pace: [page, 'is made once, however often it is asked for, and escaped in pieces'],
  },
  pageRootsMax: { edge: async (roots) => !(await counted(roots, 0)).isPartial },
  pageStatusesMax: { edge: async (statuses) => (await counted(1, statuses)).issues.applied === 1 },
  pageStatusesBytesMax: {
    edge: async (bytes) => (await counted(1, 2, bytes / 2)).issues.applied === 1,
  },
  pageCountsAgeMsMax: { pace: 'nothing more' },
} as const satisfies Record<string, Entry>;
