import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, startProgress } from '../../src/commands/progress.js';
import { systemClock } from '../../src/lib/clock.js';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import { EventFile } from './event-file.js';
import { readUsage, type Usage, usageSince } from './process-usage.js';
import { importEvents, type RelayOptions, RelayProcess } from './relay-process.js';
import type { BenchSettings } from './settings.js';
import { defaultTraffic, trafficFile } from './traffic.js';

/** A relay under measurement: one of ours, or whatever runs at `--url`. */
export type Target = {
  readonly url: string;
  readonly relay: RelayProcess | undefined;
  usage(): Usage | undefined;
};

/** Events beyond those of a filled relay that are made for publishing, at most. */
const publishedEventsMax = 20_000;

/** What the scenarios of a run share: traffic, folders that are cleaned up, and filled relays. */
export class World implements AsyncDisposable {
  readonly settings: BenchSettings;
  readonly file: EventFile;
  readonly #folder: string;
  readonly #stack = new ReleaseStack();
  #filled: Promise<string> | undefined;
  #folders = 0;

  private constructor(settings: BenchSettings, file: EventFile, folder: string) {
    this.settings = settings;
    this.file = file;
    this.#folder = folder;
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
  }

  /** Makes the traffic, or finds it in the cache. */
  static async create(settings: BenchSettings): Promise<World> {
    const published = Math.min(publishedEventsMax, settings.events);
    const path = await trafficFile({ ...defaultTraffic, events: settings.events + published });
    const folder = await mkdtemp(join(tmpdir(), 'graspd-bench-run-'));
    return new World(settings, new EventFile(path, settings.events), folder);
  }

  /** A new folder for the data of a relay. */
  emptyFolder(): string {
    this.#folders += 1;
    return join(this.#folder, `relay-${this.#folders}`);
  }

  /** A folder with a relay's data that holds the first events; its own copy, to be changed at will. */
  async filledFolder(): Promise<string> {
    this.#filled ??= this.fillFolder(this.emptyFolder());
    const folder = this.emptyFolder();
    await cp(await this.#filled, folder, { recursive: true });
    return folder;
  }

  /** Imports the first events, but for those that are left out, into a folder. */
  async fillFolder(folder: string, isLeftOut?: Parameters<EventFile['stream']>[0]): Promise<string> {
    const { report } = await importEvents(this.file.stream(isLeftOut), { folder, ...this.settings });
    if (!/, 0 refused,/.test(report)) throw new Error(`the traffic was not taken whole: ${report}`);
    return folder;
  }

  /** Starts a relay; it ends with the world, or before. */
  async start(
    name: string,
    folder: string,
    options: Pick<RelayOptions, 'bootstrapUrl' | 'dialDelaySecs' | 'durability' | 'flags' | 'port'> = {},
  ): Promise<RelayProcess> {
    return this.#stack.use(
      await RelayProcess.start({
        ...options,
        name,
        folder,
        signatures: this.settings.signatures,
      }),
    );
  }

  /** A relay that holds the first events. */
  async filledTarget(): Promise<Target> {
    const { url, pid } = this.settings;
    if (url !== undefined) {
      return {
        url,
        relay: undefined,
        usage: () => (pid === undefined ? undefined : readUsage('relay', pid)),
      };
    }
    const relay = await this.start('relay', await this.filledFolder());
    await relay.atRest();
    return { url: relay.url, relay, usage: () => relay.usage() };
  }

  /** Takes charge of what a scenario opened. */
  use<T extends AsyncDisposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  progress(title: string, total: number): Progress {
    return startProgress({ stderr: process.stderr }, title, total, systemClock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Starts an account of what processes use; call the result for what they used since then. */
export function accountOf(readers: readonly (() => Usage | undefined)[]): () => Usage[] {
  const before = readers.map((read) => read());
  return () =>
    readers.flatMap((read, index) => {
      const after = read();
      return after === undefined ? [] : [usageSince(before[index], after)];
    });
}

/** The account of this process, whose clients share the cores with the relays. */
export const readOwnUsage = (): Usage | undefined => readUsage('bench', process.pid);
