import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import { type Identity, npubOf } from '../../../src/nostr/keys.js';
import { signedEvent } from '../../support/events.js';
import { GitClient } from '../../support/git-client.js';
import { TestClient } from '../../support/test-client.js';
import { heldWithin } from '../finding.js';
import type { EventSeconds } from './writers.js';

const identifier = 'pushed';
const none = '0'.repeat(40);

/** How long the daemon may take after a start until refs are what its events say. */
const agreementMsMax = 30_000;

/** Pushes to one hosted repository, by git and by a request that is put together here, and knows what was said to it. */
export class Pusher implements AsyncDisposable {
  readonly #git: GitClient;
  readonly #owner: Identity;
  readonly #port: number;
  /**
   * States that were sent and not refused, in their order, by what `main` is to be. One that was not acknowledged before the
   * daemon was killed may be held: then it is the newest, and what an older one says cannot be pushed any more.
   */
  readonly #states: { readonly id: string; readonly main: string; isAcknowledged: boolean }[] = [];
  /** How many of them git was told were pushed. */
  #pushed = 0;
  #isAnnounced = false;

  private constructor(git: GitClient, owner: Identity, port: number) {
    this.#git = git;
    this.#owner = owner;
    this.#port = port;
  }

  static async create(owner: Identity, port: number): Promise<Pusher> {
    return new Pusher(await GitClient.init(), owner, port);
  }

  /** How many pushes went through. */
  get count(): number {
    return this.#pushed;
  }

  /** Once, and then until it is stopped or the daemon is gone. */
  async push(random: Random, seconds: EventSeconds, signal: AbortSignal): Promise<void> {
    await using client = await TestClient.connect(`ws://127.0.0.1:${this.#port}`);
    if (!this.#isAnnounced) await this.#announce(client, seconds);
    // Once at least: a load that is short on a slow machine would never get to it.
    do await this.#one(client, random, seconds);
    while (!signal.aborted);
  }

  /** How what is served differs from what was said: the newest state, and the ref that it names. */
  async disagreement(url: string): Promise<string | undefined> {
    if (this.#pushed === 0) return undefined;
    await using client = await TestClient.connect(url);
    let said = '';
    const agrees = async () => {
      const served = await client.query({ kinds: [30618], authors: [this.#owner.pubkey] });
      const index = this.#states.findIndex(({ id }) => id === served[0]?.id);
      const { stdout } = await this.#git.run('ls-remote', this.#url, 'refs/heads/main');
      const main = stdout.split('\t')[0];
      said = `state ${index} of ${this.#states.length} is served, ${this.#pushed} were pushed, main is at ${main}, which is state ${this.#states.findIndex((state) => state.main === main)}`;
      return served.length === 1 && index >= this.#pushed - 1 && main === this.#states[index]?.main;
    };
    return (await heldWithin(agreementMsMax, agrees)) ? undefined : said;
  }

  /** Why neither the last state that was acknowledged can still be pushed and is served then, nor one that came after it. */
  async loss(url: string): Promise<string | undefined> {
    await using client = await TestClient.connect(url);
    let loss: string | undefined;
    for (const [index, { id, main, isAcknowledged }] of [...this.#states.entries()].reverse()) {
      const { code, stderr } = await this.#git.run('push', '--force', this.#url, `${main}:refs/heads/main`);
      if (code === 0 && (await client.count({ ids: [id] })) === 1) {
        this.#pushed = index + 1;
        return undefined;
      }
      loss = `state ${index} of ${this.#states.length} is ${code === 0 ? 'pushed and not served' : `not pushed: ${stderr}`}`;
      if (isAcknowledged) break;
    }
    return loss;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#git[Symbol.asyncDispose]();
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}/${npubOf(this.#owner.pubkey)}/${identifier}.git`;
  }

  async #announce(client: TestClient, seconds: EventSeconds): Promise<void> {
    const tags = [
      ['d', identifier],
      ['clone', this.#url],
      ['relays', `ws://127.0.0.1:${this.#port}`],
    ];
    await client.publish(signedEvent(this.#owner, { kind: 30617, created_at: seconds.next(), tags }));
    this.#isAnnounced = true;
  }

  async #one(client: TestClient, random: Random, seconds: EventSeconds): Promise<void> {
    const main = await this.#git.commit('file', `commit ${seconds.next()}`);
    const tags = [
      ['d', identifier],
      ['refs/heads/main', main],
      ['HEAD', 'ref: refs/heads/main'],
    ];
    const state = signedEvent(this.#owner, { kind: 30618, created_at: seconds.next(), tags });
    const sent = { id: state.id, main, isAcknowledged: false };
    this.#states.push(sent);
    sent.isAcknowledged = (await client.publish(state)).accepted;
    if (!sent.isAcknowledged) {
      this.#states.pop();
      return;
    }
    const isPushed = randomInteger(random, 3) === 0 ? await this.#pushRaw(main) : await this.#pushByGit();
    if (!isPushed) throw new Error('the daemon is gone');
    this.#pushed = this.#states.length;
  }

  async #pushByGit(): Promise<boolean> {
    return (await this.#git.run('push', '--force', this.#url, 'main')).code === 0;
  }

  /** The request of a push, with all objects. */
  async #pushRaw(main: string): Promise<boolean> {
    const { code, stdout } = await this.#git.run('ls-remote', this.#url, 'refs/heads/main');
    if (code !== 0) return false;
    const file = join(this.#git.directory, '.git', 'pushed.bundle');
    await this.#git.ok('bundle', 'create', '--quiet', file, 'main');
    const bundle = await readFile(file);
    // A bundle is a list of refs, an empty line, and a pack.
    const pack = bundle.subarray(bundle.indexOf('\n\n') + 2);
    const line = `${stdout.split('\t')[0] || none} ${main} refs/heads/main\0 report-status\n`;
    const length = (line.length + 4).toString(16).padStart(4, '0');
    const answer = await fetch(`${this.#url}/git-receive-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
      body: Buffer.concat([Buffer.from(`${length}${line}0000`), pack]),
    });
    return (await answer.text()).includes('ok refs/heads/main');
  }
}
