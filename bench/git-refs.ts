/**
 * How fast states are admitted and applied to bare repositories, and how long the event loop is kept waiting.
 *
 *   node --import tsx bench/git-refs.ts [repositories] [refs]
 *
 * Needs the build (`npm run build`) for the verification threads. Every state goes the whole way: id and signature on
 * threads, policy, LevelDB, then git, for a repository that has all its objects.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { AdmissionMetrics } from '../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../src/admission/admission-pipeline.js';
import { createPoolVerifier } from '../src/admission/verification/pool-verifier.js';
import { AlignmentMetrics } from '../src/alignment/alignment-metrics.js';
import { GitAlignment } from '../src/alignment/git-alignment.js';
import { BareRepositories } from '../src/git/bare-repositories.js';
import { GitRunner } from '../src/git/git-runner.js';
import { RepositoryLocks } from '../src/git/locks/repository-locks.js';
import { RefChanges } from '../src/git/ref-changes.js';
import { systemClock } from '../src/lib/clock.js';
import { Faults } from '../src/lib/faults.js';
import { systemRandom } from '../src/lib/random.js';
import { ReleaseStack } from '../src/lib/release-stack.js';
import type { NostrEvent } from '../src/nostr/event.js';
import { Identity } from '../src/nostr/keys.js';
import { Nip34WritePolicy } from '../src/policy/nip34-write-policy.js';
import { RepositoryDirectory } from '../src/repositories/repository-directory.js';
import { RepositoryServing } from '../src/repositories/serving.js';
import { openLevelStore } from '../src/store/level/open-level-store.js';
import { hostingRules } from '../test/support/hosting-rules.js';

export type GitRefsResult = {
  readonly repositories: number;
  readonly refs: number;
  /** Announcements admitted and repositories made, a second. */
  readonly announcementsPerSecond: number;
  /** States admitted and applied, a second. */
  readonly statesPerSecond: number;
  /** Longest time that the event loop was kept waiting while states were admitted and applied. */
  readonly eventLoopDelayMsMax: number;
  /** Longest time that our own thread computed between two turns of the loop; other processes have no part in it. */
  readonly mainThreadBusyMsMax: number | undefined;
  /** Refs on disk at the end, over all repositories. */
  readonly refsSet: number;
};

const service = 'git.example.com';
const startSeconds = 1_700_000_000;

/** The parts of the daemon between a signed event and the refs on disk. */
async function openParts(path: string, stack: ReleaseStack) {
  const stop = new AbortController();
  const { store, refused } = await openLevelStore({ path: join(path, 'relay'), clock: systemClock });
  stack.use(store);
  const serving = new RepositoryServing(hostingRules(service));
  const directory = new RepositoryDirectory(serving);
  const policy = new Nip34WritePolicy({ serving, store, directory, eventBlacklist: new Set() });
  const git = new GitRunner(systemClock, stop.signal);
  const repositories = new BareRepositories(join(path, 'git'), git);
  const registry = new Registry();
  const quiet = () => {};
  const alignment = new GitAlignment({
    directory,
    store,
    repositories,
    git,
    locks: new RepositoryLocks(),
    refChanges: new RefChanges(),
    purgatory: { statesBy: () => [], has: () => false, awaited: { has: () => false } },
    clock: systemClock,
    random: systemRandom,
    graceMs: () => Number.MAX_SAFE_INTEGER,
    closedMax: Number.MAX_SAFE_INTEGER,
    metrics: new AlignmentMetrics(registry),
    onRemoved: () => {},
    log: { debug: quiet, info: quiet, warn: console.error },
  });
  await repositories.open();
  const served = alignment.serve(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await served;
  });
  const admission = stack.use(
    new AdmissionPipeline({
      store,
      refused,
      policy,
      verifier: stack.use(createPoolVerifier({ workers: 1, faults: new Faults(pino({ level: 'silent' })) })),
      clock: systemClock,
      metrics: new AdmissionMetrics(registry),
      log: console,
      hotCacheDurationMs: 0,
      effects: alignment,
      onStoreFailure: console.error,
    }),
  );
  return { admission, alignment, repositories };
}

type Parts = Awaited<ReturnType<typeof openParts>>;

/** Submits the events as a client does, and waits until the git side is at rest; answers events a second. */
async function admit({ admission, alignment }: Parts, events: readonly NostrEvent[]): Promise<number> {
  const begin = performance.now();
  const outcomes: Promise<{ type: string }>[] = [];
  for (const event of events) {
    await admission.waitForCapacity('direct');
    // Frames come in turns of the loop, not all in one.
    await nextTurn();
    outcomes.push(admission.submit(event, { type: 'direct' }));
  }
  for (const { type } of await Promise.all(outcomes))
    if (type !== 'stored') throw new Error(`an event was ${type}`);
  await alignment.idle();
  return (1_000 * events.length) / (performance.now() - begin);
}

function announcementOf(identity: Identity, identifier: string): NostrEvent {
  const tags = [
    ['d', identifier],
    ['clone', `https://${service}/x/${identifier}.git`],
    ['relays', `wss://${service}`],
  ];
  return identity.sign({ kind: 30617, created_at: startSeconds, tags, content: '' });
}

function stateOf(identity: Identity, identifier: string, commits: readonly string[]): NostrEvent {
  const names = commits.map((_, number) => (number === 0 ? 'main' : `topic/${number}`));
  const refs = commits.map((commit, number) => [`refs/heads/${names[number]}`, commit]);
  const tags = [['d', identifier], ...refs, ['HEAD', 'ref: refs/heads/main']];
  return identity.sign({ kind: 30618, created_at: startSeconds, tags, content: '' });
}

function git(gitDir: string, ...args: string[]): string {
  const who = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a',
  };
  const env = { ...process.env, ...who };
  return execFileSync('git', [`--git-dir=${gitDir}`, ...args], { env, input: '', encoding: 'utf8' }).trim();
}

/** A repository whose objects the others borrow, and its commits. */
function makeObjects(gitDir: string, count: number): string[] {
  git(gitDir, 'init', '--quiet', '--bare');
  const tree = git(gitDir, 'mktree');
  return Array.from({ length: count }, (_, number) => git(gitDir, 'commit-tree', tree, '-m', `${number}`));
}

const schedulerFile = '/proc/thread-self/schedstat';

/** Watches the CPU time of this thread, where the system tells it; the result ends that and gives the longest stretch. */
function watchMainThread(): () => number | undefined {
  if (!existsSync(schedulerFile)) return () => undefined;
  const cpuMs = () => Number(readFileSync(schedulerFile, 'utf8').split(' ')[0]) / 1e6;
  let last = cpuMs();
  let longest = 0;
  const timer = setInterval(() => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return longest;
  };
}

export async function measureGitRefs(repositories: number, refs: number): Promise<GitRefsResult> {
  const path = await mkdtemp(join(tmpdir(), 'graspd-bench-'));
  const stack = new ReleaseStack();
  stack.defer(() => rm(path, { recursive: true, force: true }));
  try {
    const parts = await openParts(path, stack);
    const identity = Identity.generate();
    const identifiers = Array.from({ length: repositories }, (_, number) => `repository-${number}`);
    const objects = join(path, 'objects.git');
    const commits = makeObjects(objects, refs);
    const states = identifiers.map((identifier) => stateOf(identity, identifier, commits));
    const announcements = identifiers.map((identifier) => announcementOf(identity, identifier));
    const announcementsPerSecond = await admit(parts, announcements);
    const pathOf = (identifier: string) => parts.repositories.pathOf({ pubkey: identity.pubkey, identifier });
    for (const identifier of identifiers) {
      const alternates = join(pathOf(identifier), 'objects', 'info', 'alternates');
      await writeFile(alternates, `${join(objects, 'objects')}\n`);
    }
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const stopBusy = watchMainThread();
    const statesPerSecond = await admit(parts, states);
    delay.disable();
    const mainThreadBusyMsMax = stopBusy();
    let refsSet = 0;
    for (const identifier of identifiers)
      refsSet += git(pathOf(identifier), 'for-each-ref').split('\n').length;
    const eventLoopDelayMsMax = delay.max / 1e6;
    return {
      repositories,
      refs,
      announcementsPerSecond,
      statesPerSecond,
      eventLoopDelayMsMax,
      mainThreadBusyMsMax,
      refsSet,
    };
  } finally {
    await stack[Symbol.asyncDispose]();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [repositories = 1_000, refs = 20] = process.argv.slice(2).map(Number);
  const result = await measureGitRefs(repositories, refs);
  console.log(JSON.stringify(result, null, 2));
  // On a machine that is busy with other things the loop waits for the processor, not for us.
  const blockedMs = result.mainThreadBusyMsMax ?? result.eventLoopDelayMsMax;
  if (result.refsSet !== repositories * refs || blockedMs > 50) process.exitCode = 1;
}
