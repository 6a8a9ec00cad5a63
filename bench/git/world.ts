import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import { Identity, npubOf } from '../../src/nostr/keys.js';
import { BenchClient } from '../system/client.js';
import { RelayProcess } from '../system/relay-process.js';
import { generateRepository, largeShape, type RepositoryShape } from './generator.js';
import { refsOf, runGit } from './git.js';
import { Rival } from './rival.js';
import type { GitBenchSettings } from './settings.js';

/** A repository at both servers, and where it comes from. */
export type Project = {
  readonly name: string;
  /** The bare repository that is pushed. */
  readonly source: string;
  readonly ours: string;
  readonly rivals: string;
  /** Where the servers have it on the disk. */
  readonly gitDirs: readonly string[];
};

/** What the scenarios of a run share: both servers, and a folder that is removed at the end. */
export class GitWorld implements AsyncDisposable {
  readonly settings: GitBenchSettings;
  readonly relay: RelayProcess;
  readonly rival: Rival;
  readonly #client: BenchClient;
  readonly #folder: string;
  readonly #stack: ReleaseStack;
  readonly #owner = Identity.generate();
  #seconds = Math.floor(Date.now() / 1_000) - 3_600;
  #folders = 0;
  #large: Promise<Project> | undefined;

  private constructor(
    settings: GitBenchSettings,
    parts: { relay: RelayProcess; rival: Rival; client: BenchClient; folder: string; stack: ReleaseStack },
  ) {
    this.settings = settings;
    this.relay = parts.relay;
    this.rival = parts.rival;
    this.#client = parts.client;
    this.#folder = parts.folder;
    this.#stack = parts.stack;
  }

  static async create(settings: GitBenchSettings): Promise<GitWorld> {
    const stack = new ReleaseStack();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'graspd-bench-git-'));
      stack.defer(() => rm(folder, { recursive: true, force: true }));
      const relay = stack.use(
        await RelayProcess.start({
          name: 'graspd',
          folder: join(folder, 'graspd'),
          signatures: 'system',
          // An archive takes no pushes.
          flags: { 'archive-all': 'false' },
        }),
      );
      const rival = stack.use(await Rival.start(join(folder, 'rival')));
      const client = stack.use(await BenchClient.connect(relay.url));
      return new GitWorld(settings, { relay, rival, client, folder, stack });
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The name of a folder that is not there yet. */
  emptyFolder(): string {
    this.#folders += 1;
    return join(this.#folder, `folder-${this.#folders}`);
  }

  /** Makes a repository, and announces it; neither server has its objects. */
  async announce(name: string, shape: RepositoryShape): Promise<Project> {
    const source = this.emptyFolder();
    await generateRepository(source, shape);
    await this.rival.make(name);
    const npub = npubOf(this.#owner.pubkey);
    const ours = `http://127.0.0.1:${this.relay.port}/${npub}/${name}.git`;
    await this.#publish(30617, [
      ['d', name],
      ['clone', ours],
      ['relays', this.relay.url],
    ]);
    const gitDir = join(this.#folder, 'graspd', 'git', npub, `${name}.git`);
    return { name, source, ours, rivals: this.rival.urlOf(name), gitDirs: [gitDir, this.rival.pathOf(name)] };
  }

  /**
   * A repository that both servers have, put there past them and repacked by git, as either does it from time to time: they
   * serve the same files.
   */
  async filled(name: string, shape: RepositoryShape): Promise<Project> {
    const project = await this.announce(name, shape);
    for (const gitDir of project.gitDirs) {
      while (!existsSync(join(gitDir, 'HEAD'))) await sleep(10);
      await this.push(project, gitDir);
      await runGit([`--git-dir=${gitDir}`, 'gc', '--quiet']);
    }
    await this.state(project);
    return project;
  }

  /** Publishes what the refs of the source are, so that they may be pushed. */
  async state({ name, source }: Project): Promise<void> {
    const refs = Object.entries(await refsOf(source));
    await this.#publish(30618, [['d', name], ...refs, ['HEAD', 'ref: refs/heads/main']]);
  }

  async push({ source }: Project, url: string): Promise<void> {
    await runGit([`--git-dir=${source}`, 'push', '--quiet', '--all', url]);
  }

  /** The large repository, at both servers: made once for all scenarios. */
  async large(): Promise<Project> {
    this.#large ??= this.filled('large', largeShape(this.settings.megabytes));
    return await this.#large;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  async #publish(kind: number, tags: string[][]): Promise<void> {
    this.#seconds += 1;
    const event = this.#owner.sign({ kind, created_at: this.#seconds, tags, content: '' });
    const answered = new Promise<void>((resolve, reject) => {
      this.#client.onOk = (_, accepted, frame) => (accepted ? resolve() : reject(new Error(frame)));
    });
    this.#client.publish(JSON.stringify(event));
    await answered;
  }
}
