import { verifyEvent } from 'nostr-tools/pure';
import { toHex } from '../../../src/lib/bytes.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { testIdentity } from '../../support/events.js';
import { GitClient } from '../../support/git-client.js';
import { Hosting } from '../../support/hosting.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { signer } from '../fuzz/targets/samples.js';
import { MessageMaker } from './messages.js';
import { RequestMaker } from './requests.js';
import { type Breakage, framesTrial, messagesTrial, requestTrial } from './trials.js';

/** The two promises that the port is held to here. */
export type PortPromise = 'every-answer' | 'no-input-stops';

export type PortReport = {
  tried(promise: PortPromise, count: number): void;
  broken(promise: PortPromise, how: string): void;
};

/** Messages of a connection. */
const messagesAtOnce = 25;
/** Rounds between two looks at what is stored. */
const roundsPerLook = 50;
const owner = testIdentity(900);
/** The repository that is hosted. */
const address = `30617:${owner.pubkey}:port`;
const honest = new QuickSigner(new Uint8Array(32).fill(9));
const flags = ['--client-events-per-minute', '1000000', '--grasp06-enable', '--repository-grace-days', '1'];

/**
 * A service that hosts, to whose port nearly right messages, frames and requests go, while an honest client publishes, reads
 * and asks for refs beside them.
 */
export class PortTorture implements AsyncDisposable {
  readonly #hosting: Hosting;
  readonly #random: Random;
  readonly #report: PortReport;
  readonly #messages: MessageMaker;
  readonly #requests: RequestMaker;
  #rounds = 0;

  private constructor(hosting: Hosting, random: Random, report: PortReport) {
    this.#hosting = hosting;
    this.#random = random;
    this.#report = report;
    this.#messages = new MessageMaker(random, signer, Math.floor(Date.now() / 1_000), address);
    this.#requests = new RequestMaker(random, `/${npubOf(owner.pubkey)}/port.git`);
  }

  static async start(random: Random, report: PortReport): Promise<PortTorture> {
    const hosting = await Hosting.start({ flags });
    const torture = new PortTorture(hosting, random, report);
    await torture.#host();
    return torture;
  }

  /** One round: all kinds of trials at once, and the honest client. */
  async round(): Promise<void> {
    this.#rounds += 1;
    const { port } = this.#hosting.service;
    const random = this.#random;
    await Promise.all([
      this.#judge(
        'every-answer',
        messagesAtOnce,
        messagesTrial(port, this.#messages, messagesAtOnce, random),
      ),
      ...Array.from({ length: 4 }, () => this.#judge('every-answer', 1, framesTrial(port, random))),
      ...Array.from({ length: 6 }, () =>
        this.#judge('no-input-stops', 1, requestTrial(port, this.#requests, random)),
      ),
      this.#judge('no-input-stops', 1, this.#beHonest()),
    ]);
    if (this.#rounds % roundsPerLook === 0) await this.look();
  }

  /** Looks whether all that is served is signed, and what the service has logged. */
  async look(): Promise<void> {
    const { client, service } = this.#hosting;
    for (const event of await client.query({ limit: 500 })) {
      this.#report.tried('no-input-stops', 1);
      if (!verifyEvent({ ...event }))
        this.#report.broken('no-input-stops', `an event is stored that nobody signed: ${event.id}`);
    }
    const faults = service.takeLog().filter(({ level }) => level === 'error' || level === 'fatal');
    for (const fault of faults)
      this.#report.broken('no-input-stops', `it logs ${JSON.stringify(fault).slice(0, 1_500)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hosting[Symbol.asyncDispose]();
  }

  async #judge(promise: PortPromise, count: number, trial: Promise<Breakage>): Promise<void> {
    this.#report.tried(promise, count);
    const how = await trial.catch((error: unknown) => `a trial failed: ${String(error)}`);
    if (how !== undefined) this.#report.broken(promise, how);
  }

  async #host(): Promise<void> {
    const hosting = this.#hosting;
    await using git = await GitClient.init();
    const commit = await git.commit('a.txt', 'a');
    await hosting.publish(hosting.announcement(owner, 'port'));
    await hosting.publish(hosting.state(owner, 'port', { 'refs/heads/main': commit }));
    await git.ok('push', '--quiet', hosting.urlOf(owner, 'port'), 'main');
  }

  /** Publishes an issue, reads it again, and asks for the refs: all of it has to go as if nobody else were there. */
  async #beHonest(): Promise<Breakage> {
    const { client, service } = this.#hosting;
    const issue = this.#issue();
    const { accepted, reason } = await client.publish(issue);
    if (!accepted) return `an honest event was refused: ${reason}`;
    const found = await client.query({ ids: [issue.id] });
    if (found.length !== 1) return 'an honest event is not served';
    const url = `http://127.0.0.1:${service.port}/${npubOf(owner.pubkey)}/port.git/info/refs?service=git-upload-pack`;
    const { status } = await fetch(url);
    return status === 200 || status === 503 ? undefined : `honest refs are answered with ${status}`;
  }

  #issue(): NostrEvent {
    const nonce = toHex(Uint8Array.from({ length: 8 }, () => randomInteger(this.#random, 256)));
    const tags = [
      ['a', address],
      ['subject', nonce],
    ];
    return honest.sign({
      kind: 1621,
      created_at: Math.floor(Date.now() / 1_000),
      tags,
      content: `${this.#rounds}`,
    });
  }
}
