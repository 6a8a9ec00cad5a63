import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Identity } from '../../../src/nostr/keys.js';
import { GitClient } from '../../support/git-client.js';
import type { HostingDaemon } from '../../support/hosting-daemon.js';
import { pause } from './pause.js';

type Repository = {
  readonly owner: Identity;
  readonly identifier: string;
  readonly git: GitClient;
  pushes: number;
};

/** What people did with git, and what went wrong for them. */
export type GitReport = {
  readonly clones: number;
  readonly pushes: number;
  readonly complaints: readonly string[];
};

/** Bytes of the one file of each repository. */
const fileBytes = 200_000;
/** What a request of git says of where it comes from, to a daemon behind a proxy. */
const asFrom = ['-c', 'http.extraHeader=X-Forwarded-For: 100.68.0.1'];

/** Repositories that a daemon hosts, and people who clone and push them by the real git. */
export class HostedRepositories implements AsyncDisposable {
  readonly #hosting: HostingDaemon;
  readonly #repositories: Repository[] = [];
  #clones = 0;
  #pushes = 0;
  #complaints: string[] = [];

  private constructor(hosting: HostingDaemon) {
    this.#hosting = hosting;
  }

  /** Announces and pushes that many. */
  static async make(hosting: HostingDaemon, count: number): Promise<HostedRepositories> {
    const made = new HostedRepositories(hosting);
    for (let number = 0; number < count; number += 1) {
      const owner = Identity.generate();
      const repository = { owner, identifier: `hosted-${number}`, git: await GitClient.init(), pushes: 0 };
      made.#repositories.push(repository);
      await hosting.publish(hosting.announcement(owner, repository.identifier));
      await made.#push(repository);
    }
    return made;
  }

  /** Their addresses. */
  get addresses(): string[] {
    return this.#repositories.map(({ owner, identifier }) => `30617:${owner.pubkey}:${identifier}`);
  }

  /** The keys of their owners. */
  get owners(): string[] {
    return this.#repositories.map(({ owner }) => owner.pubkey);
  }

  /** Goes on cloning and pushing, each with a pause after it, until the signal says so. */
  async use(
    signal: AbortSignal,
    pauses: { readonly cloneMs: number; readonly pushMs: number },
  ): Promise<void> {
    await Promise.all([
      this.#goOn(signal, pauses.cloneMs, (repository) => this.#clone(repository)),
      this.#goOn(signal, pauses.pushMs, (repository) => this.#push(repository)),
    ]);
  }

  /** What happened since counting began anew, and what went wrong since the last call; with `anew`, it begins anew. */
  take(anew: boolean): GitReport {
    const report = { clones: this.#clones, pushes: this.#pushes, complaints: this.#complaints };
    this.#complaints = [];
    if (!anew) return report;
    this.#clones = 0;
    this.#pushes = 0;
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#repositories.map(({ git }) => git[Symbol.asyncDispose]()));
  }

  async #goOn(
    signal: AbortSignal,
    pauseMs: number,
    what: (repository: Repository) => Promise<void>,
  ): Promise<void> {
    for (let number = 0; !signal.aborted; number += 1) {
      const repository = this.#repositories[number % this.#repositories.length] as Repository;
      await what(repository).catch((error: unknown) => this.#complaints.push(String(error).slice(0, 300)));
      await pause(signal, pauseMs);
    }
  }

  async #clone({ owner, identifier, git }: Repository): Promise<void> {
    const folder = join(git.directory, '.git', 'clone');
    try {
      await git.ok(...asFrom, 'clone', '--quiet', this.#hosting.urlOf(owner, identifier), folder);
      this.#clones += 1;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #push(repository: Repository): Promise<void> {
    const { owner, identifier, git } = repository;
    repository.pushes += 1;
    const commit = await git.commit('file', `${repository.pushes} ${'content '.repeat(fileBytes / 8)}`);
    await this.#hosting.publish(this.#hosting.state(owner, identifier, { 'refs/heads/main': commit }));
    await git.ok(...asFrom, 'push', '--quiet', this.#hosting.urlOf(owner, identifier), 'main');
    this.#pushes += 1;
  }
}
