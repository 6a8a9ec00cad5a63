import { ReleaseStack } from '../../../src/lib/release-stack.js';
import type { PartRun } from '../part.js';
import { Fleet, type Target } from './fleet.js';
import type { HonestReport } from './honest-record.js';
import type { HostedRepositories } from './hosted-repositories.js';
import type { HostileReport } from './hostile/attack.js';

/** How many clients of each kind there are, and what they do. */
export type CrowdSettings = {
  readonly idle: number;
  readonly asking: number;
  readonly publishing: number;
  readonly hostile: number;
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number;
  /** After that many seconds what is published expires; of some events one may be kept. */
  readonly lifeSeconds: number;
  readonly keptOneOf?: number;
  /** Pauses between two clones, and two pushes. */
  readonly git: { readonly cloneMs: number; readonly pushMs: number };
};

export type CrowdReport = {
  readonly idle: HonestReport;
  readonly asking: HonestReport;
  readonly publishing: HonestReport;
  readonly hostile: HostileReport;
  readonly clones: number;
  readonly pushes: number;
};

/** All who use a daemon at the same time: three kinds of honest clients, hostile ones, and people with git. */
export class Crowd implements AsyncDisposable {
  readonly #stack: ReleaseStack;
  readonly #fleets: Readonly<Record<'idle' | 'asking' | 'publishing', Fleet<HonestReport>>>;
  readonly #hostile: Fleet<HostileReport>;
  readonly #repositories: HostedRepositories;

  private constructor(
    stack: ReleaseStack,
    fleets: Readonly<Record<'idle' | 'asking' | 'publishing', Fleet<HonestReport>>>,
    hostile: Fleet<HostileReport>,
    repositories: HostedRepositories,
  ) {
    this.#stack = stack;
    this.#fleets = fleets;
    this.#hostile = hostile;
    this.#repositories = repositories;
  }

  /** Resolves when all are connected and have begun. */
  static async gather(
    target: Target,
    repositories: HostedRepositories,
    settings: CrowdSettings,
  ): Promise<Crowd> {
    const stack = new ReleaseStack();
    try {
      const { requestsPerSecond, eventsPerSecond, lifeSeconds, keptOneOf } = settings;
      const open = async <Report>(...[more]: Parameters<typeof Fleet.open>) =>
        stack.use(await Fleet.open<Report>(more));
      const clients = (role: 'idle' | 'asking' | 'publishing' | 'hostile') => ({
        ...target,
        clients: settings[role],
      });
      const idle = await open<HonestReport>({ ...clients('idle'), role: 'idle' });
      const asking = await open<HonestReport>({ ...clients('asking'), role: 'asking', requestsPerSecond });
      const publishing = await open<HonestReport>({
        ...clients('publishing'),
        role: 'publishing',
        eventsPerSecond,
        lifeSeconds,
        ...(keptOneOf === undefined ? {} : { keptOneOf }),
      });
      const hostile = await open<HostileReport>({ ...clients('hostile'), role: 'hostile' });
      const ended = new AbortController();
      const gitDone = repositories.use(ended.signal, settings.git);
      stack.defer(async () => {
        ended.abort();
        await gitDone;
      });
      return new Crowd(stack, { idle, asking, publishing }, hostile, repositories);
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * What happened since counting began anew, which it does after that with `anew`. What no honest client should have seen
   * breaks its promise.
   */
  async report(run: PartRun, anew = false): Promise<CrowdReport> {
    const [idle, asking, publishing, hostile] = await Promise.all([
      this.#fleets.idle.report(anew),
      this.#fleets.asking.report(anew),
      this.#fleets.publishing.report(anew),
      this.#hostile.report(anew),
    ]);
    const { clones, pushes, complaints } = this.#repositories.take(anew);
    for (const { words, complaints: count } of [idle, asking, publishing]) {
      for (const line of words) run.broken('honest-clients', line);
      for (let more = words.length; more < count; more += 1) run.broken('honest-clients', 'one more such');
    }
    for (const line of complaints) run.broken('honest-clients', line);
    return { idle, asking, publishing, hostile, clones, pushes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}
