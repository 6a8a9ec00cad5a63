import { Registry } from 'prom-client';
import { AlignmentMetrics } from '../../src/alignment/alignment-metrics.js';
import { GitAlignment } from '../../src/alignment/git-alignment.js';
import { BareRepositories } from '../../src/git/bare-repositories.js';
import type { Git, GitCommand } from '../../src/git/git-command.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { RefChanges } from '../../src/git/ref-changes.js';
import { systemClock } from '../../src/lib/clock.js';
import { seededRandom } from '../../src/lib/random.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, scratchFolder, writeCommit } from '../git/scratch.js';
import { world } from './world.js';

export const graceMs = 7 * 86_400_000;

/** A `Git` whose commands can be made to fail, or to wait. */
export class FaultyGit implements Git {
  readonly #git: Git;
  readonly ran: string[] = [];
  fault: ((command: GitCommand) => void | Promise<void>) | undefined;

  constructor(git: Git) {
    this.#git = git;
  }

  async run(command: GitCommand, signal?: AbortSignal): Promise<string> {
    this.ran.push(command.args[0] ?? '');
    await this.fault?.(command);
    return await this.#git.run(command, signal);
  }
}

/** A policy with its git side on a real disk; the clock is virtual. `settings` as for `world`. */
export function gitWorld(settings: Parameters<typeof world>[0] = {}) {
  const policyWorld = world(settings);
  const folder = scratchFolder();
  const stop = new AbortController();
  const { clock } = policyWorld;
  const faulty = new FaultyGit(new GitRunner(systemClock, stop.signal));
  const repositories = new BareRepositories(folder.path, faulty);
  const registry = new Registry();
  const log: string[] = [];
  const say = (level: string) => (_details: object, message: string) => {
    log.push(`${level} ${message}`);
  };
  const parts = {
    directory: policyWorld.directory,
    store: policyWorld.store,
    repositories,
    git: faulty,
    locks: new RepositoryLocks(),
    refChanges: new RefChanges(),
    purgatory: policyWorld.purgatory,
    clock,
    random: seededRandom(7),
    graceMs: () => graceMs,
    closedMax: 3,
    metrics: new AlignmentMetrics(registry),
    onRemoved: () => {},
    log: { debug: say('debug'), info: say('info'), warn: say('warn') },
  };
  const alignment = new GitAlignment(parts);
  let served: Promise<void> | undefined;

  return {
    ...policyWorld,
    path: folder.path,
    clock,
    faulty,
    repositories,
    alignment,
    log,
    parts,
    registry,
    signal: stop.signal,
    pathOf: (repository: RepositoryId) => repositories.pathOf(repository),
    /** Begins to serve, as the daemon does. */
    async start(): Promise<void> {
      await repositories.open();
      served = alignment.serve(stop.signal);
      await alignment.idle();
    },
    /** What admission does with an event, until the git side is at rest. */
    async take(...events: NostrEvent[]): Promise<string[]> {
      const outcomes = events.map((submitted) => policyWorld.submit(submitted));
      alignment.run(policyWorld.effects.splice(0));
      await alignment.idle();
      return outcomes;
    },
    /** What a push does: objects come, and the git side is told. */
    async push(repository: RepositoryId, ...messages: string[]): Promise<string[]> {
      const commits = messages.map((message) => writeCommit(repositories.pathOf(repository), message));
      alignment.objectsArrived(repository);
      await alignment.idle();
      return commits;
    },
    async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
      const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
      const isAsked = (has: Partial<Record<string, string | number>>) =>
        Object.entries(labels).every(([label, value]) => has[label] === value);
      return values.find((value) => isAsked(value.labels))?.value;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort(new Error('the test is over'));
      await served;
      folder[Symbol.dispose]();
    },
  };
}

/** The id that a commit will have, before it is written anywhere. */
export function futureCommit(message: string): string {
  using folder = scratchFolder();
  git(folder.path, ['init', '-q', '--bare']);
  return writeCommit(folder.path, message);
}
