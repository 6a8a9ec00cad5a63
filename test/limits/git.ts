import { type AlignmentWork, mergeWork } from '../../src/alignment/alignment-queue.js';
import { isExpected } from '../../src/alignment/closing.js';
import { lineOf } from '../../src/alignment/finding-line.js';
import { limits } from '../../src/config/limits.js';
import type { Git } from '../../src/git/git-command.js';
import { Collected } from '../../src/git/processes/collected.js';
import { hasRoomForPullRequest } from '../../src/git/pull-request-refs.js';
import { moveRefs } from '../../src/git/refs.js';
import { Kept } from '../../src/git-http/kept.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { ReceiveRequestParser } from '../../src/git-protocol/receive-request.js';
import { type Entry, hex, many, takes } from './entry.js';

const id = 'a'.repeat(40);
const zero = '0'.repeat(40);
const { signal } = new AbortController();

/** Whether these lines are taken as the commands of a push. */
function isPush(lines: readonly string[]): boolean {
  const parser = new ReceiveRequestParser({
    linesMax: limits.pushCommandsMax,
    bytesMax: limits.pushHeadBytesMax,
  });
  return takes(() => parser.push(Buffer.concat([...lines.map((line) => pktLine(line)), flushPkt])));
}

/** Whether all of these are kept at the same time, each of so many bytes. */
async function areKept(
  entries: number,
  bytesOfEach: number,
  keptLimits: { bytesMax: number; entriesMax: number },
): Promise<boolean> {
  const kept = new Kept<number>({ ...keptLimits, bytesOf: (bytes) => bytes });
  for (let at = 0; at < entries; at += 1) await kept.get(`${at}`, signal, async () => bytesOfEach);
  await kept.get('0', signal, async () => bytesOfEach);
  return kept.made === entries;
}

const advertisements = {
  bytesMax: limits.gitAdvertisementsKeptBytesMax,
  entriesMax: limits.gitAdvertisementsKeptMax,
};
const pages = { bytesMax: limits.pagesKeptBytesMax, entriesMax: limits.pagesKeptMax };

const runner = 'git/git-runner.test.ts';
const large = 'hosting/large-objects.test.ts';
const strangers = 'hosting/strangers.test.ts';
const nested = 'hosting/nested-trees.test.ts';
const alignment = 'policy/git-alignment.test.ts';
const others = 'hosting/other-repositories.test.ts';
const exchange = 'git-http/exchange.test.ts';
const requestBody = 'git-http/request-body.test.ts';

/** What pushes, git itself and other git servers send, and what is kept and done for repositories. */
export const gitEntries = {
  gitProcessesMax: { test: [runner, 'lets nobody wait for commands that may take minutes'] },
  gitMemoryBytesMax: {
    test: [runner, 'has the system bound its memory, allow it no core dumps, and run it after the daemon'],
  },
  gitOomScore: {
    pace: [runner, 'has the system bound its memory, allow it no core dumps, and run it after the daemon'],
  },
  gitMsMax: { test: [runner, 'ends a command that takes too long, and one that runs when the daemon stops'] },
  gitRefsUnpackedMax: {
    pace: [
      'git/align-refs.test.ts',
      'packs many that are set at once into one file, and goes on where that fails',
    ],
  },
  gitManyRefsMsMax: {
    edge: async (ms) => {
      const given: number[] = [];
      const git: Git = {
        run: async ({ msMax = 0 }) => {
          given.push(msMax);
          return '';
        },
      };
      const refs = many(limits.gitRefsUnpackedMax + 1, (at) => ({ name: `refs/heads/${at}`, to: id }));
      await moveRefs(
        git,
        '/',
        refs.map((ref) => ({ type: 'create', ...ref }) as const),
      );
      return given.every((most) => most >= ms);
    },
  },
  gitKillMs: {
    test: ['limits/lowered.test.ts', 'a git process that does not end when it is asked to is killed'],
  },
  gitLockAgeMsMax: { test: [alignment, 'goes on when a git process was killed and left its locks'] },
  gitOutputBytesMax: {
    edge: (bytes) => new Collected(limits.gitOutputBytesMax).add(Buffer.allocUnsafe(bytes)),
  },
  gitComplaintBytesMax: {
    edge: (bytes) => new Collected(limits.gitComplaintBytesMax).add(Buffer.allocUnsafe(bytes)),
  },
  gitStreamHeaderBytesMax: {
    test: [
      'git/stream-server.test.ts',
      'takes a header up to a size, and ends a connection with a longer one, however it ends',
    ],
  },
  pushCommandsMax: { edge: (commands) => isPush(many(commands, (at) => `${zero} ${id} refs/heads/${at}`)) },
  pushHeadBytesMax: {
    edge: (bytes) => {
      const line = (at: number, size: number) => `${zero} ${id} refs/heads/${at}/`.padEnd(size, 'x');
      const size = 65_000;
      const full = Math.floor(bytes / size) - 1;
      return isPush([
        ...many(full, (at) => line(at, size)),
        line(full, size / 2),
        line(full + 1, bytes - full * size - size / 2),
      ]);
    },
  },
  pushObjectsMax: { test: ['hosting/receive-service.test.ts', 'bounds packs in bytes and in objects'] },
  pushAllocationBytesMax: {
    test: [strangers, 'makes git take no memory for an object of gigabytes in a pack of a few bytes'],
  },
  commitBytesMax: { test: [large, 'that is larger than any has to be is refused: a %s'] },
  treeBytesMax: { test: [large, 'that is larger than any has to be is refused: a %s'] },
  deltaDepthMax: {
    test: ['hosting/deep-packs.test.ts', 'of deltas as deep as git packs is kept as it came'],
  },
  proposedPacksMax: {
    test: [
      'daemon/room.test.ts',
      'is none for proposals where a repository has very many packs, until it is repacked',
    ],
  },
  proposedPathBytesMax: {
    test: [
      'hosting/long-paths.test.ts',
      'is refused with folders too deep within each other, and that is said',
    ],
  },
  knownTipsBytesMax: { test: [large, 'keep nobody from pushing, and are not read for that'] },
  knownProposalTipsMax: {
    test: [large, 'are the smallest ones, where there are very many of pull requests'],
  },
  packGrowthLookMs: {
    pace: ['git/pack-growth.test.ts', 'is ended while git writes it, where that is more than it may be'],
  },
  pullRequestPackBytesMax: {
    test: [
      'hosting/incoming-pack.test.ts',
      'says which limit a pack is above: of all, of pull requests, or of the room that is left',
    ],
  },
  packCheckMsMin: {
    test: [
      'hosting/incoming-pack.test.ts',
      'that came whole has a minute, and what its bytes are worth, to be put together',
    ],
  },
  packCheckBytesPerSecondMin: {
    test: [
      'hosting/incoming-pack.test.ts',
      'that came whole has a minute, and what its bytes are worth, to be put together',
    ],
  },
  pushCheckMsMax: {
    pace: [others, 'holds up no push while it gets its objects, and follows when it has them'],
  },
  pushLockedCheckMsMax: {
    test: [
      strangers,
      'has what turns out wrong in the last moment taken out in a short time, or pushes again',
    ],
  },
  pushCheckMemoryBytesMin: {
    test: [nested, 'are refused where git needs more memory for them than for as many others'],
  },
  pushIndexThreadsMax: {
    test: [
      'hosting/incoming-pack.test.ts',
      'is put together by a few threads, in as much memory as these and its objects are worth',
    ],
  },
  pushIndexMemoryBytesPerThread: {
    test: [nested, 'a few bytes that make a large object have git take no more memory than that'],
  },
  pushCheckMemoryBytesPerObject: { test: [nested, 'are taken where as many objects come'] },
  heldObjectsAskedMax: {
    test: [
      'hosting/looks.test.ts',
      'asks git once about many held states, and about so many objects at once',
    ],
  },
  heldLooksAtOnceMax: {
    pace: [
      'hosting/looks.test.ts',
      'is made of few repositories at once, one owner after the other: pushes have their commands run beside them',
    ],
  },
  promotionOthersMsMax: { test: [others, 'is left for later when the time for all of them is over'] },
  backgroundCopiesMax: {
    test: [others, 'leave nothing behind when they are ended, and take no more than there is room for'],
  },
  backgroundCopiesAtOnceMax: {
    pace: [
      'hosting/copy-places.test.ts',
      'are had by one owner after the other, and given up where others wait for long',
    ],
  },
  objectCopiesMax: {
    test: [
      strangers,
      'fills no repository of others with what a pull request brings, and is not stopped by one that fails',
    ],
  },
  promotionsAtOnceMax: { pace: 'nothing more' },
  pullRequestCopyBytesMax: {
    test: [
      strangers,
      'fills no repository of others with what a pull request brings, and is not stopped by one that fails',
    ],
  },
  sharedPackBytesMin: {
    pace: ['git/copy-objects.test.ts', 'where it is small, or has more objects than are compared'],
  },
  sharedObjectsMax: {
    pace: ['git/copy-objects.test.ts', 'where it is small, or has more objects than are compared'],
  },
  pushKeepAliveMs: {
    pace: [
      'hosting/push-answer.test.ts',
      'shows that somebody is there from the end of the push on, also where that came before the answer was made',
    ],
  },
  looseRefsReadMax: {
    pace: [
      'git/ref-files.test.ts',
      'leaves to git what is not plain: symbolic refs, damaged files, another way of keeping refs, very many',
    ],
  },
  pushRefsByNameMax: { pace: 'nothing more' },
  pullRequestRefsMax: { edge: (refs) => hasRoomForPullRequest(refs - 1, true) },
  pushLoggedRefsMax: { pace: 'nothing more' },
  gitAdvertisersMax: { pace: 'nothing more' },
  gitAdvertisementBytesMax: {
    test: [
      'git-http/info-refs.test.ts',
      'that would take much of what is kept is streamed, and pushes no other out',
    ],
  },
  gitAdvertisementsKeptBytesMax: { edge: async (bytes) => await areKept(2, bytes / 2, advertisements) },
  gitAdvertisementsKeptMax: { edge: async (entries) => await areKept(entries, 0, advertisements) },
  gitSendBytesHigh: { pace: [exchange, 'waits for a slow reader with git, and holds nothing of its answer'] },
  gitFilterTreeDepthMax: { test: [exchange, 'refuses a filter that can cost more than the whole clone: %s'] },
  gitUploadRequestBytesMax: { test: [exchange, 'refuses %s with %i'] },
  gitInflatedTimesMax: {
    test: [requestBody, 'ends where it is far larger than what is sent, whatever comes with it'],
  },
  gitInflatedBytesFree: {
    test: [requestBody, 'is taken where it is as what git sends, and of any kind where it is small'],
  },
  gitNegotiationMsMax: {
    test: [exchange, 'that names very many objects which are not here keeps git busy for minutes at most'],
  },
  gitBodySpanMs: { test: [exchange, 'of a body that stops coming is answered, and its process ends'] },
  gitBodySpanBytesMin: {
    test: [
      'git-http/receive-pack.test.ts',
      'holds the only place of its address when it is fast enough, or when nobody waits',
    ],
  },
  gitAwaitedBodySpanBytesMin: {
    test: [
      'git-http/receive-pack.test.ts',
      'holds the only place of its address when it is fast enough, or when nobody waits',
    ],
  },
  gitAwaitedReadSpanBytesMin: {
    test: [
      'git-http/upload-pack.test.ts',
      'holds the only place of its address when it is fast enough, or when nobody waits',
    ],
  },
  gitPlacesHeldMsMax: {
    test: [
      'git/process-gate.test.ts',
      'ends what has run for longest of the party that has most, where no place came free for long and others wait',
    ],
  },
  gitSilenceMsMax: {
    pace: [exchange, 'who waits for long is sent the first bytes, once its request is whole'],
  },
  gitFailuresLoggedPerMinuteMax: {
    test: ['git-http/logged-failures.test.ts', 'are warned of up to a number a minute, whoever causes them'],
  },
  gitRetryAfterSeconds: {
    pace: [
      exchange,
      'wait for their turn, and are refused above a number with when to come again; probes never are',
    ],
  },
  pagesMadeAtOnceMax: { pace: 'nothing more' },
  pagesKeptMax: { edge: async (entries) => await areKept(entries, 0, pages) },
  pagesKeptBytesMax: { edge: async (bytes) => await areKept(2, bytes / 2, pages) },
  gitMoveAttemptsMax: {
    unreached:
      'Somebody on the machine would have to delete the folder of an author between two system calls, each time.',
  },
  closedRepositoriesMax: {
    test: [
      alignment,
      'above a number of closed ones, removes at once what nothing was pushed to, and keeps what was',
    ],
  },
  alignmentsAtOnceMax: {
    pace: [
      'alignment/alignment-places.test.ts',
      'are as many as may work at once, also for who waited for its lock',
    ],
  },
  alignmentsHeldUpMax: {
    pace: [
      'alignment/alignment-places.test.ts',
      'are none for one more while very many wait for their locks',
    ],
  },
  alignmentPullRequestsMax: {
    edge: (pullRequests) => {
      const workOn = (ids: readonly string[]): AlignmentWork => ({
        repository: { pubkey: id, identifier: 'a' },
        scope: { refs: false, pullRequests: new Set(ids), isForced: false },
        failures: 0,
      });
      const merged = mergeWork(workOn(many(pullRequests - 1, (at) => `${at}`)), workOn(['last']));
      return merged.scope.pullRequests !== 'all';
    },
  },
  pullRequestsEnteredAtOnceMax: {
    pace: [
      'policy/earlier-pull-requests.test.ts',
      'very many are taken in a slice of each turn, and what goes meanwhile is told of',
    ],
  },
  alignmentRetryMsMin: { pace: [alignment, 'is retried with backoff, visible in a metric and in the log'] },
  alignmentRetryMsMax: { pace: [alignment, 'is retried with backoff, visible in a metric and in the log'] },
  repositorySweepIntervalMs: { pace: 'nothing more' },
  closingUnaskedMax: { edge: (closing) => isExpected({ open: closing, closing }, 0) },
  closingUnaskedPercentMax: { edge: (percent) => isExpected({ open: 1_000, closing: 10 * percent }, 0) },
  doctorNamesMax: {
    edge: (names) => {
      const refs = many(names, (at) => `refs/heads/${at}`);
      const repository = { pubkey: hex(1), identifier: 'a' };
      return !lineOf({ repository, type: 'waiting', refs }).includes(' more');
    },
  },
} as const satisfies Record<string, Entry>;
