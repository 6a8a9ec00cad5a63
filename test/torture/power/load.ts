import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { npubOf } from '../../../src/nostr/keys.js';
import type { DaemonProcess } from '../../support/daemon-process.js';
import { GitClient } from '../../support/git-client.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { TestClient } from '../../support/test-client.js';
import { type Ledger, noted } from './ledger.js';

const program = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const run = promisify(execFile);

/** The name under which the daemon is known, whatever its port. */
export const domain = 'graspd.test';
/** So that nothing is refused for coming often. */
export const flags = [
  ...['--domain', domain, '--client-events-per-minute', '0', '--address-events-per-minute', '0'],
] as const;

/** A repository with a key of its own, and the working copy of its owner. */
type Repository = {
  readonly number: number;
  readonly signer: QuickSigner;
  readonly git: GitClient;
  announcement: NostrEvent;
  state: NostrEvent | undefined;
  /** Issues that stand. */
  readonly issues: NostrEvent[];
};

/** Somebody who publishes, deletes, pushes and backs up, one thing after the other, and notes what is promised. */
export class Load implements AsyncDisposable {
  readonly repositories: Repository[] = [];
  readonly #ledger: () => Ledger;
  readonly #random: Random;
  #second = Math.floor(Date.now() / 1_000) - 50_000;
  #backups = 0;

  constructor(random: Random, ledger: () => Ledger) {
    this.#random = random;
    this.#ledger = ledger;
  }

  /** Goes on until the daemon is gone, or `isOver`. What fails then has not been promised. */
  async run(daemon: DaemonProcess, environment: Readonly<Record<string, string>>, isOver: () => boolean) {
    await using client = await TestClient.connect(daemon.url);
    const steps = [
      ...Array.from({ length: 6 }, () => () => this.#issue(client)),
      ...Array.from({ length: 3 }, () => () => this.#delete(client)),
      ...Array.from({ length: 2 }, () => () => this.#describe(client)),
      ...Array.from({ length: 3 }, () => () => this.#push(client, daemon)),
      () => this.#hold(client).then(() => {}),
      () => this.#begin(client, daemon),
      () => this.#many(client),
      () => this.#ban(client, daemon, environment),
      () => this.#backUp(daemon, environment),
    ];
    while (this.repositories.length < 2) await this.#begin(client, daemon);
    while (!isOver()) await steps[randomInteger(this.#random, steps.length)]!();
  }

  /** The URL of a repository for git. */
  urlOf({ signer, number }: Repository, port: number): string {
    return `http://127.0.0.1:${port}/${npubOf(signer.pubkey)}/repo-${number}.git`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { git } of this.repositories) await git[Symbol.asyncDispose]();
  }

  get #served(): Repository[] {
    return this.repositories.filter(({ number }) => this.#ledger().commitsOf(number).length > 0);
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[randomInteger(this.#random, list.length)];
  }

  #now(): number {
    this.#second += 1;
    return this.#second;
  }

  /** Publishes what is served at once, in the place of `replaced`. */
  async #publish(client: TestClient, event: NostrEvent, replaced: readonly string[] = []): Promise<void> {
    const ledger = this.#ledger();
    const fact = { event, sentAt: process.hrtime.bigint(), ackedAt: undefined };
    const removal = { ids: replaced, sentAt: fact.sentAt, ackedAt: undefined };
    ledger.events.set(event.id, fact);
    if (replaced.length > 0) ledger.removals.push(removal);
    await noted(removal, () => noted(fact, () => acknowledged(client, event)));
  }

  async #issue(client: TestClient, bytes = randomInteger(this.#random, 400)): Promise<void> {
    const repository = this.#any(this.#served);
    if (repository === undefined) return;
    const { signer, number, issues } = repository;
    const issue = signer.sign({
      kind: 1621,
      created_at: this.#now(),
      tags: [['a', `30617:${signer.pubkey}:repo-${number}`]],
      content: `${this.#random.next()}`.repeat(1 + Math.floor(bytes / 18)),
    });
    await this.#publish(client, issue);
    issues.push(issue);
  }

  /** Enough at once for LevelDB to begin a new log. */
  async #many(client: TestClient): Promise<void> {
    await Promise.all(Array.from({ length: 40 }, () => this.#issue(client, 40_000)));
  }

  async #delete(client: TestClient): Promise<void> {
    const repository = this.#any(this.#served);
    const issue = repository?.issues.shift();
    if (repository === undefined || issue === undefined) return;
    const { signer } = repository;
    const tags = [['e', issue.id]];
    const deletion = signer.sign({ kind: 5, created_at: this.#now(), tags, content: '' });
    await this.#publish(client, deletion, [issue.id]);
  }

  /** A newer announcement in the place of the one before. */
  async #describe(client: TestClient): Promise<void> {
    const repository = this.#any(this.#served);
    if (repository === undefined) return;
    repository.announcement = this.#announcement(repository.signer, repository.number);
    await this.#publish(client, repository.announcement, this.#versionsBefore(repository.announcement));
  }

  /** Announces a repository with a state that waits for a push. */
  async #hold(client: TestClient): Promise<Repository> {
    const number = this.repositories.length;
    const secret = new Uint8Array(32).fill(9);
    new DataView(secret.buffer).setUint32(4, number + 1);
    const signer = new QuickSigner(secret);
    const git = await GitClient.init();
    const announcement = this.#announcement(signer, number);
    const repository: Repository = { number, signer, git, announcement, state: undefined, issues: [] };
    this.repositories.push(repository);
    const fact = { sentAt: process.hrtime.bigint(), ackedAt: undefined };
    this.#ledger().held.set(number, fact);
    await noted(fact, async () => {
      await acknowledged(client, announcement);
      await this.#state(client, repository);
    });
    return repository;
  }

  async #state(client: TestClient, repository: Repository): Promise<NostrEvent> {
    const { git, signer, number } = repository;
    const commit = await git.commit(
      `file-${randomInteger(this.#random, 5)}`,
      `${this.#random.next()}`.repeat(200),
    );
    const tags = [
      ['d', `repo-${number}`],
      ['refs/heads/main', commit],
      ['HEAD', 'ref: refs/heads/main'],
    ];
    const state = signer.sign({ kind: 30618, created_at: this.#now(), tags, content: '' });
    await acknowledged(client, state);
    repository.state = state;
    return state;
  }

  async #begin(client: TestClient, daemon: DaemonProcess): Promise<void> {
    await this.pushHeld(await this.#hold(client), daemon.port);
  }

  /** Pushes to a repository that waits for that: then its announcement and state are served. */
  async pushHeld(repository: Repository, port: number): Promise<void> {
    const { announcement, state } = repository;
    await this.#pushed(repository, port, [announcement, ...(state === undefined ? [] : [state])], []);
    this.#ledger().held.delete(repository.number);
  }

  async #push(client: TestClient, daemon: DaemonProcess): Promise<void> {
    const repository = this.#any(this.#served);
    if (repository === undefined) return;
    const state = await this.#state(client, repository);
    await this.#pushed(repository, daemon.port, [state], this.#versionsBefore(state));
  }

  /** All that a new version takes the place of: after a power failure the last one can be another than was published last. */
  #versionsBefore({ kind, pubkey }: NostrEvent): string[] {
    const known = [...this.#ledger().events.values()].map(({ event }) => event);
    // Each key has one repository.
    return known.filter((event) => event.kind === kind && event.pubkey === pubkey).map(({ id }) => id);
  }

  async #pushed(
    repository: Repository,
    port: number,
    stored: readonly NostrEvent[],
    replaced: readonly string[],
  ) {
    const ledger = this.#ledger();
    const { git, number } = repository;
    const commit = await git.ok('rev-parse', 'HEAD');
    const sentAt = process.hrtime.bigint();
    const facts = stored.map((event) => ({ event, sentAt, ackedAt: undefined as bigint | undefined }));
    for (const fact of facts) ledger.events.set(fact.event.id, fact);
    const removal = { ids: replaced, sentAt, ackedAt: undefined as bigint | undefined };
    ledger.removals.push(removal);
    const push = { commit, sentAt, ackedAt: undefined as bigint | undefined };
    ledger.pushes.set(number, [...(ledger.pushes.get(number) ?? []), push]);
    await git.ok('push', '--quiet', this.urlOf(repository, port), 'HEAD:refs/heads/main');
    const ackedAt = process.hrtime.bigint();
    for (const fact of [...facts, removal, push]) fact.ackedAt = ackedAt;
  }

  async #ban(client: TestClient, daemon: DaemonProcess, environment: Readonly<Record<string, string>>) {
    await this.#issue(client);
    const issue = this.#any(this.#served)?.issues.shift();
    if (issue === undefined) return;
    const ledger = this.#ledger();
    const sentAt = process.hrtime.bigint();
    const ban = { sentAt, ackedAt: undefined };
    const removal = { ids: [issue.id], sentAt, ackedAt: undefined };
    ledger.bans.set(issue.id, ban);
    ledger.removals.push(removal);
    await noted(ban, () =>
      noted(removal, () => runRecorded(daemon, environment, 'ban', '--event', issue.id)),
    );
  }

  async #backUp(daemon: DaemonProcess, environment: Readonly<Record<string, string>>): Promise<void> {
    this.#backups += 1;
    const name = `backups/${this.#backups}.tar`;
    const fact = { sentAt: process.hrtime.bigint(), ackedAt: undefined };
    this.#ledger().backups.set(name, fact);
    await noted(fact, () => runRecorded(daemon, environment, 'backup', name));
  }

  #announcement(signer: QuickSigner, number: number): NostrEvent {
    return signer.sign({
      kind: 30617,
      created_at: this.#now(),
      tags: [
        ['d', `repo-${number}`],
        ['clone', `https://${domain}/${npubOf(signer.pubkey)}/repo-${number}.git`],
        ['relays', `wss://${domain}`],
      ],
      content: '',
    });
  }
}

async function acknowledged(client: TestClient, event: NostrEvent): Promise<void> {
  const { accepted, reason } = await client.publish(event);
  if (!accepted) throw new Error(`refused: ${reason}`);
}

async function runRecorded(
  daemon: DaemonProcess,
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<void> {
  await run(process.execPath, [program, ...args], { cwd: daemon.directory, env: environment });
}
