import { Registry } from 'prom-client';
import { BareRepositories, type RepositoryKey } from '../../src/git/bare-repositories.js';
import type { Git } from '../../src/git/git-command.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { type GitStreamCommand, type GitStreams, HelperGitStreams } from '../../src/git/git-streams.js';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { type Clock, systemClock } from '../../src/lib/clock.js';
import { DiskUse, type RepositoryDisk } from '../../src/maintenance/disk-use.js';
import { Maintenance } from '../../src/maintenance/maintenance.js';
import { MaintenanceMetrics } from '../../src/maintenance/maintenance-metrics.js';
import { type RepositorySurvey, surveyRepository } from '../../src/maintenance/repository-survey.js';
import { git, scratchFolder } from '../git/scratch.js';
import { VirtualClock } from '../support/virtual-clock.js';

export const repository: RepositoryKey = { pubkey: 'ab'.repeat(32), identifier: 'a project' };

/** What happens before a command is started, and while it runs. */
type Hooks = {
  before: (command: GitStreamCommand, signal: AbortSignal) => Promise<void>;
  after: (command: GitStreamCommand) => void;
};

/** Repositories on a real disk with the real git, which is taken for `version`, and a clock that can be set forward. */
export async function maintenanceWorld(version?: string) {
  const folder = scratchFolder();
  const stop = new AbortController();
  let aheadMs = 0;
  let pushes = 0;
  let running: Promise<void> | undefined;
  const timers = new VirtualClock();
  // Files have the time of the system, so the clock begins there.
  const clock: Clock = {
    now: () => systemClock.now() + aheadMs,
    monotonic: () => timers.monotonic(),
    after: (delayMs, task) => timers.after(delayMs, task),
    sleep: (delayMs, signal) => timers.sleep(delayMs, signal),
  };
  const helper = new GitHelper(stop.signal);
  const real = new HelperGitStreams(helper, systemClock);
  const ran: GitStreamCommand[] = [];
  const hooks: Hooks = { before: async () => {}, after: () => {} };
  const streams: GitStreams = {
    async start(command, signal) {
      ran.push(command);
      await hooks.before(command, signal);
      const stream = await real.start(command, signal);
      hooks.after(command);
      return stream;
    },
  };
  const runner = new GitRunner(systemClock, stop.signal, helper);
  const older: Git = {
    run: async (command) =>
      command.args[0] === 'version' && version !== undefined ? version : await runner.run(command),
  };
  const repositories = new BareRepositories(folder.path, runner);
  await repositories.open();
  await repositories.ensure(repository);
  const gitDir = repositories.pathOf(repository);
  const registry = new Registry();
  const roomyDisk: RepositoryDisk = { hasRoomFor: () => true, take: () => {} };
  const diskLimits = {
    repository: { bytesMax: 1e9, refusal: 'the repository is full' },
    sparedRefusal: 'what is left is spared',
    repositories: { bytesMax: 1e12, refusal: 'all is full' },
    disk: roomyDisk,
  };
  const diskUse = new DiskUse(diskLimits, registry);
  const prsGauges = { prefix: 'ngit_grasp06', about: 'repositories of pull requests' };
  const prsDiskUse = new DiskUse(diskLimits, registry, prsGauges);
  const locks = new RepositoryLocks();
  const disk = { freeBytes: Number.POSITIVE_INFINITY };
  const log: string[] = [];
  const errors: string[] = [];
  const say = (details: object, message: string) => {
    log.push(message);
    if ('error' in details) errors.push(String(details.error));
  };
  const maintenance = new Maintenance({
    repositories,
    git: older,
    streams,
    locks,
    diskUse,
    prsDiskUse,
    hasRoomFor: (bytes) => bytes <= disk.freeBytes,
    clock,
    metrics: new MaintenanceMetrics(registry),
    log: { info: say, warn: say },
  });
  return {
    gitDir,
    repositories,
    diskUse,
    diskLimits,
    prsDiskUse,
    disk,
    locks,
    log,
    /** What is said of failures. */
    errors,
    maintenance,
    /** Commands of the care, in their order. */
    ran,
    hooks,
    signal: stop.signal,
    /** What waits on the clock; the time of day is set by `pass`. */
    timers,
    pass(ms: number): void {
      aheadMs += ms;
    },
    served(): Promise<void> {
      running = maintenance.serve(stop.signal);
      return running;
    },
    care: async (interruptions = 0) => await maintenance.care({ repository, interruptions }, stop.signal),
    survey: async (): Promise<RepositorySurvey> => await surveyRepository(gitDir, clock.now(), stop.signal),
    /** Brings so many branches, each in a pack of its own, as pushes do. */
    push(count: number, into = gitDir): void {
      const commits = Array.from({ length: count }, () => {
        pushes += 1;
        const message = `push ${String(pushes).padStart(5)}`;
        return `commit refs/heads/b${pushes}\ncommitter a <a> 1700000000 +0000\ndata ${message.length}\n${message}\ncheckpoint\n`;
      });
      git(into, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'], commits.join('\n'));
    },
    async metric(result: string): Promise<number> {
      const { values } = (await registry.getSingleMetric('ngit_git_repacks_total')?.get()) ?? { values: [] };
      return values.find(({ labels }) => labels.result === result)?.value ?? 0;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort(new Error('the test is over'));
      await running;
      folder[Symbol.dispose]();
    },
  };
}
