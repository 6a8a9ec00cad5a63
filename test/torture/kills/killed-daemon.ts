import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { controlSocketPath } from '../../../src/control/control-socket.js';
import { systemClock } from '../../../src/lib/clock.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { openLevelStore } from '../../../src/store/level/open-level-store.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { testIdentity } from '../../support/events.js';
import { freePort } from '../../support/free-port.js';
import { PlainRelay } from '../../support/plain-relay.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { TestClient } from '../../support/test-client.js';
import { Operator } from './operator.js';
import { Promised } from './promised.js';
import { Pusher } from './pusher.js';
import { EventSeconds, flood, Writer, type WriterParts } from './writers.js';

const program = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const writerCount = 4;
/** After it a command is ended, and has failed. */
const commandMsMax = 300_000;
/** More than the log keeps before it compacts. */
const segmentsOfChurn = 2_300;

/** One data folder, all that goes on around it, and what was promised of it. */
export class KilledDaemon implements AsyncDisposable {
  readonly promised = new Promised();
  readonly seconds = new EventSeconds();
  readonly operator: Operator;
  readonly pusher: Pusher;
  /** What the other relay has. */
  readonly fed: NostrEvent[] = [];
  readonly folder: string;
  readonly #port: number;
  readonly #relay: PlainRelay;
  readonly #writers = Array.from({ length: writerCount }, (_, number) => new Writer(number));
  readonly #flooder = new QuickSigner(new Uint8Array(32).fill(199));
  readonly #owner = new QuickSigner(new Uint8Array(32).fill(200));
  #announcement: NostrEvent | undefined;

  private constructor(folder: string, port: number, relay: PlainRelay, pusher: Pusher) {
    this.folder = folder;
    this.#port = port;
    this.#relay = relay;
    this.pusher = pusher;
    this.operator = new Operator(controlSocketPath(join(folder, 'data/relay')), folder);
  }

  static async create(folder: string): Promise<KilledDaemon> {
    await mkdir(folder, { recursive: true });
    const [port, relay] = await Promise.all([freePort(), PlainRelay.serve()]);
    const pusher = await Pusher.create(testIdentity(950), port);
    return new KilledDaemon(folder, port, relay, pusher);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  async start(killedAfterMs?: number): Promise<DaemonProcess> {
    const flags = [...this.#settings, '--sync-startup-delay-secs', '0', '--sync-startup-jitter-ms', '0'];
    const daemon = await DaemonProcess.start({
      flags,
      directory: this.folder,
      port: this.#port,
      ...(killedAfterMs === undefined ? {} : { killedAfterMs }),
    });
    if (killedAfterMs === undefined && this.#announcement === undefined) await this.#announce();
    return daemon;
  }

  /** Runs a command of the program on the data folder. */
  command(...args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
    const all = [program, ...args, '--bind-address', `127.0.0.1:${this.#port}`, ...this.#settings];
    const options = {
      cwd: this.folder,
      env: { PATH: process.env.PATH },
      maxBuffer: 2 ** 26,
      timeout: commandMsMax,
    };
    return new Promise((resolve) => {
      execFile(process.execPath, all, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 99), said: stdout + stderr }),
      );
    });
  }

  /** Everything at once, until it is stopped or the daemon is gone. */
  async load(random: Random, onUndeleted: (event: NostrEvent) => void, signal: AbortSignal): Promise<void> {
    const parts: WriterParts = {
      ...{ url: this.url, promised: this.promised, random, seconds: this.seconds, onUndeleted },
      repository: this.#repository,
    };
    const works: Promise<unknown>[] = [
      ...this.#writers.map((writer) => writer.write(parts, signal)),
      flood(this.#flooder, parts, signal),
      this.operator.work(parts, signal),
      this.pusher.push(random, this.seconds, signal),
      this.#feed(random, signal),
    ];
    // What breaks with the daemon is what the next start is asked about.
    await Promise.allSettled(works);
  }

  /** Fills the log of the stopped daemon with what is gone already, so that it compacts soon. */
  async churn(): Promise<void> {
    const path = join(this.folder, 'data/relay');
    const { store } = await openLevelStore({ path, clock: systemClock, durability: 'system' });
    for (let count = 0; count < segmentsOfChurn / 2; count += 1) {
      const event = this.#owner.sign({
        kind: 1621,
        tags: [],
        created_at: this.seconds.next(),
        content: 'churn',
      });
      await store.put(event).written;
      await store.remove(event.id).written;
    }
    await store[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.pusher[Symbol.asyncDispose]();
  }

  get #settings(): string[] {
    return ['--archive-all', '--archive-read-only=false', '--sync-bootstrap-relay-url', this.#relay.url];
  }

  get #repository(): string {
    return `30617:${this.#owner.pubkey}:all`;
  }

  async #announce(): Promise<void> {
    const tags = [
      ['d', 'all'],
      ['clone', 'https://elsewhere.example/all.git'],
      ['relays', this.#relay.url],
    ];
    const event = this.#owner.sign({ kind: 30617, tags, created_at: this.seconds.next(), content: '' });
    await using client = await TestClient.connect(this.url);
    const { accepted, reason } = await client.publish(event);
    if (!accepted) throw new Error(`the announcement was refused: ${reason}`);
    this.#announcement = event;
  }

  async #feed(random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = this.#owner.sign({
        kind: 1621,
        tags: [['a', this.#repository]],
        created_at: this.seconds.next(),
        content: 'fed',
      });
      this.fed.push(event);
      this.#relay.add(event);
      await sleep(randomInteger(random, 40));
    }
  }
}
