import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nsecEncode } from 'nostr-tools/nip19';
import { pino } from 'pino';
import { type Options, optionsOf } from '../../../src/config/options.js';
import { type OptionKey, optionEntries } from '../../../src/config/schema.js';
import type { GivenValues } from '../../../src/config/sources/option-sources.js';
import { type Daemon, startDaemon } from '../../../src/daemon/daemon.js';
import { surroundingsOf } from '../../../src/daemon/surroundings.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { type Identity, npubOf } from '../../../src/nostr/keys.js';
import { counterFrom } from '../../support/counters/counter.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { freePort } from '../../support/free-port.js';
import { TestClient } from '../../support/test-client.js';

/** Whatever a probe left behind may be closed for the next. */
const repositoriesClosedMax = 1_000;

/** Options as they are given. */
export type Settings = Readonly<Partial<Record<OptionKey, string>>>;

/** A stranger on another machine, as the trusted proxy tells. */
const stranger = { 'x-forwarded-for': '203.0.113.9' };

function givenValues(settings: Settings): GivenValues {
  return new Map(
    optionEntries.flatMap(({ key }) => {
      const raw = settings[key];
      return raw === undefined ? [] : [[key, { raw, name: key }] as const];
    }),
  );
}

/** The options of which these are given. */
export function optionsWith(settings: Settings): Options {
  return optionsOf(givenValues(settings));
}

/** A daemon in this process, whose settings are what the test says by then. */
export class LiveWorld implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** What its log has. */
  readonly lines: string[];
  readonly #daemon: Daemon;
  readonly #ground: Settings;
  readonly #setAs: { now: Settings };
  #authors = 0;

  private constructor(parts: {
    port: number;
    folder: string;
    lines: string[];
    daemon: Daemon;
    ground: Settings;
    setAs: { now: Settings };
  }) {
    this.port = parts.port;
    this.folder = parts.folder;
    this.lines = parts.lines;
    this.#daemon = parts.daemon;
    this.#ground = parts.ground;
    this.#setAs = parts.setAs;
  }

  static async start(): Promise<LiveWorld> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'graspd-live-'));
    const ground: Settings = {
      bindAddress: `127.0.0.1:${port}`,
      databaseBackend: 'memory',
      gitDataPath: join(folder, 'git'),
      relayOwnerNsec: nsecEncode(new Uint8Array(32).fill(7)),
      trustedProxy: '127.0.0.1',
      grasp06Enable: 'true',
      syncStartupDelaySecs: '0',
      syncStartupJitterMs: '0',
    };
    const setAs = { now: ground };
    const lines: string[] = [];
    const surroundings = {
      ...surroundingsOf(pino({}, { write: (line: string) => lines.push(line) })),
      diskSpace: { freeBytes: async () => 500_000_000 },
    };
    const daemon = await startDaemon(optionsWith(ground), surroundings, {
      givenValues: () => givenValues(setAs.now),
    });
    return new LiveWorld({ port, folder, lines, daemon, ground, setAs });
  }

  /** Has the daemon run with these settings, and the defaults beside them. */
  async set(settings: Settings): Promise<void> {
    this.#setAs.now = { ...this.#ground, ...settings };
    const report = await this.#daemon.reload(repositoriesClosedMax);
    if (report.type === 'refused') throw new Error(report.why);
    if (report.needRestart.length > 0) throw new Error(`needs a start: ${report.needRestart}`);
  }

  /** Whether a reload is told in the log. */
  async saysReloads(): Promise<boolean> {
    const before = this.lines.length;
    await this.#daemon.reload();
    return this.lines.slice(before).some((line) => line.includes('settings reloaded'));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** A key that did nothing yet. */
  author(): Identity {
    this.#authors += 1;
    return testIdentity(this.#authors);
  }

  /** An announcement of a repository that is to be hosted here. */
  hosted(author: Identity, identifier: string): NostrEvent {
    return announced(author, identifier, this.urlOf(author, identifier), this.url);
  }

  urlOf(author: Identity, identifier: string): string {
    return `http://127.0.0.1:${this.port}/${npubOf(author.pubkey)}/${identifier}.git`;
  }

  /** The reasons of the answers to events that a new client publishes; `''` where they are taken. */
  async publish(...events: readonly NostrEvent[]): Promise<string[]> {
    return await this.#publish({}, events);
  }

  async publishAsStranger(...events: readonly NostrEvent[]): Promise<string[]> {
    return await this.#publish(stranger, events);
  }

  /** How many of so many clients get a connection, at the same time. */
  async connect(count: number, isStranger = false): Promise<number> {
    const clients: TestClient[] = [];
    try {
      for (let number = 0; number < count; number += 1) {
        clients.push(await TestClient.connect(this.url, isStranger ? stranger : {}));
      }
    } catch {
      // Refused.
    }
    for (const client of clients) await client[Symbol.asyncDispose]();
    return clients.length;
  }

  async isServed({ id }: NostrEvent): Promise<boolean> {
    await using client = await TestClient.connect(this.url);
    return (await client.query({ ids: [id] })).length === 1;
  }

  async information(): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(`http://127.0.0.1:${this.port}/`, {
      headers: { accept: 'application/nostr+json' },
    });
    return (await response.json()) as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #publish(headers: Readonly<Record<string, string>>, events: readonly NostrEvent[]) {
    await using client = await TestClient.connect(this.url, headers);
    const reasons: string[] = [];
    for (const event of events) {
      const { accepted, reason } = await client.publish(event);
      reasons.push(accepted ? '' : reason);
    }
    return reasons;
  }
}

const nextSecond = counterFrom(1_700_000_000);

/** An announcement that lists this clone URL and this relay. */
export function announced(
  author: Identity,
  identifier: string,
  clone = `https://git.example.org/${identifier}.git`,
  relay = 'ws://127.0.0.1:1',
  content = '',
): NostrEvent {
  const tags = [
    ['d', identifier],
    ['clone', clone],
    ['relays', relay],
  ];
  return signedEvent(author, { kind: 30617, created_at: nextSecond(), tags, content });
}
