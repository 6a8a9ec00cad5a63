import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Core, openCore } from '../../../src/daemon/core.js';
import { CurrentOptions } from '../../../src/daemon/reload/current-options.js';
import {
  fetchedPackLimitsOf,
  gitHttpSettingsOf,
  gitSyncSettingsOf,
  pushedPackLimitsOf,
} from '../../../src/daemon/settings.js';
import { surroundingsOf } from '../../../src/daemon/surroundings.js';
import { dayMs, minuteMs } from '../../../src/lib/clock.js';
import { testIdentity } from '../../support/events.js';
import { optionsWith, type Settings } from './live-world.js';

const repository = { pubkey: testIdentity(1).pubkey, identifier: 'closed' };

/** A core on memory and a temporary folder, whose options change, and settings as the parts above it ask for. */
export class LiveCore implements AsyncDisposable {
  readonly #core: Core;
  readonly #folder: string;
  readonly #ground: Settings;
  readonly #current: CurrentOptions;
  readonly fetched;
  readonly gitSync;
  readonly #pushed;
  readonly #http;

  private constructor(core: Core, folder: string, ground: Settings, current: CurrentOptions) {
    this.#core = core;
    this.#folder = folder;
    this.#ground = ground;
    this.#current = current;
    this.fetched = current.settings(fetchedPackLimitsOf);
    this.gitSync = current.settings(gitSyncSettingsOf);
    this.#pushed = current.settings(pushedPackLimitsOf);
    this.#http = current.settings(gitHttpSettingsOf);
  }

  static async open(): Promise<LiveCore> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-core-'));
    const ground: Settings = {
      databaseBackend: 'memory',
      gitDataPath: join(folder, 'git'),
      grasp06Enable: 'true',
    };
    const current = new CurrentOptions(optionsWith(ground));
    const surroundings = {
      ...surroundingsOf(pino({ level: 'silent' })),
      diskSpace: { freeBytes: async () => 1e15 },
    };
    return new LiveCore(
      await openCore(current, surroundings, { closingAccepted: 0 }),
      folder,
      ground,
      current,
    );
  }

  set(settings: Settings): void {
    this.#current.replace(optionsWith({ ...this.#ground, ...settings }));
  }

  /** Bytes that may come into a new repository. */
  room(): number {
    return this.#core.maintenance.roomFor(repository);
  }

  /** The same of a repository of pull requests. */
  proposalRoom(): number | undefined {
    return this.#core.prsDiskUse?.roomFor('new');
  }

  /** Whether a repository that was closed a day ago is still there after a look at it. */
  async isClosedKept(): Promise<boolean> {
    const { repositories, alignment } = this.#core;
    await repositories.ensure(repository);
    await repositories.close(repository, Date.now() - dayMs);
    alignment.lookAt(repository);
    await alignment.idle();
    return await repositories.exists(repository);
  }

  /** The longest that git may work on a clone, a push and a fetch. */
  minutes(): number[] {
    return [this.#http.msMax, this.#pushed.msMax, this.fetched.msMax].map((ms) => ms / minuteMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
