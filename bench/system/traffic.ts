import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import { eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { repositoryAddress } from '../../src/nostr/repository.js';
import { QuickSigner } from '../../test/support/quick-signing.js';

/** What traffic is made: the same settings give the same events, byte for byte. */
export type TrafficSettings = {
  readonly seed: number;
  readonly events: number;
  /** Repositories; each has an announcement and a state. */
  readonly repositories: number;
  readonly authors: number;
  /** The host that announcements list in their `clone` and `relays` tags. */
  readonly service: string;
  /** `created_at` of the first event; one follows the other by about a minute. */
  readonly startSeconds: number;
};

export const defaultTraffic: Omit<TrafficSettings, 'events'> = {
  seed: 1,
  repositories: 500,
  authors: 2_000,
  // Nobody listens there: relays that hold such announcements dial it in vain, and reach no network.
  service: '127.0.0.1:1',
  startSeconds: 1_700_000_000,
};

/** Shares of the kinds after the announcements and states, in percent: what git collaboration looks like. */
const mix: readonly (readonly [kind: number, percent: number])[] = [
  [1111, 55],
  [1621, 10],
  [1617, 12],
  [1618, 5],
  [1619, 4],
  [1622, 2],
  [1630, 6],
  [1, 6],
];

type Repository = {
  readonly address: string;
  readonly owner: QuickSigner;
  readonly identifier: string;
  readonly roots: Root[];
};
type Root = { readonly id: string; readonly kind: number; readonly pubkey: string };

/** The events of a traffic file, made on first use and kept in the system's temporary folder. */
export async function trafficFile(settings: TrafficSettings): Promise<string> {
  const name = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), 'graspd-bench');
  const path = join(folder, `traffic-${settings.events}-${name}.jsonl`);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const draft = await open(`${path}.${process.pid}`, 'w');
  let lines: string[] = [];
  for await (const event of traffic(settings)) {
    lines.push(eventJson(event));
    if (lines.length < 1000) continue;
    await draft.write(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) await draft.write(`${lines.join('\n')}\n`);
  await draft.close();
  await rename(`${path}.${process.pid}`, path);
  return path;
}

/**
 * NIP-34 traffic, oldest first: announcements and states, then issues, patches, PRs, their updates, statuses and
 * comments, each of which refers to what came before it, so that an archive's policy admits all of it. Few
 * repositories get most of it.
 */
export async function* traffic(settings: TrafficSettings): AsyncGenerator<NostrEvent> {
  const maker = new TrafficMaker(settings);
  for (let index = 0; index < settings.events; index += 1) yield maker.next(index);
}

class TrafficMaker {
  readonly #settings: TrafficSettings;
  readonly #random: Random;
  readonly #authors: readonly QuickSigner[];
  readonly #repositories: Repository[] = [];

  constructor(settings: TrafficSettings) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
    this.#authors = Array.from({ length: settings.authors }, (_, index) => {
      return new QuickSigner(createHash('sha256').update(`${settings.seed}/${index}`).digest());
    });
  }

  next(index: number): NostrEvent {
    const time = this.#settings.startSeconds + index * 60 + randomInteger(this.#random, 60);
    const repositories = Math.min(this.#settings.repositories, Math.ceil(this.#settings.events / 4));
    if (index < repositories) return this.#announcement(index, time);
    if (index < repositories * 2)
      return this.#state(this.#repositories[index - repositories] as Repository, time);
    return this.#activity(time);
  }

  #announcement(index: number, time: number): NostrEvent {
    const owner = this.#pick(this.#authors);
    const identifier = `project-${index}`;
    this.#repositories.push({
      address: repositoryAddress(owner.pubkey, identifier),
      owner,
      identifier,
      roots: [],
    });
    const { service } = this.#settings;
    return this.#sign(owner, 30617, time, this.#prose(80), [
      ['d', identifier],
      ['name', `Project ${index}`],
      ['description', this.#prose(200)],
      ['clone', `https://${service}/${npubOf(owner.pubkey)}/${identifier}.git`],
      ['web', `https://${service}/${identifier}`],
      ['relays', `wss://${service}`],
      ['maintainers', this.#pick(this.#authors).pubkey],
      ['t', 'bench'],
    ]);
  }

  #state(repository: Repository, time: number): NostrEvent {
    return this.#sign(repository.owner, 30618, time, '', [
      ['d', repository.identifier],
      ['HEAD', 'ref: refs/heads/main'],
      ...['main', 'next', 'release'].map((branch) => [`refs/heads/${branch}`, this.#hex(40)]),
      ['refs/tags/v1.0.0', this.#hex(40)],
    ]);
  }

  #activity(time: number): NostrEvent {
    const repository = this.#skewed(this.#repositories);
    const author = this.#skewed(this.#authors);
    const kind = repository.roots.length === 0 ? 1621 : this.#kind();
    const event =
      kind === 1111 || kind === 1
        ? this.#comment(repository, author, kind, time)
        : this.#root(repository, author, kind, time);
    if (kind !== 1111 && kind !== 1) repository.roots.push({ id: event.id, kind, pubkey: event.pubkey });
    return event;
  }

  #root(repository: Repository, author: QuickSigner, kind: number, time: number): NostrEvent {
    const tags = [
      ['a', repository.address],
      ['p', repository.owner.pubkey],
      ['subject', this.#prose(50)],
    ];
    const isPullRequest = kind === 1618 || kind === 1619;
    if (isPullRequest)
      tags.push(['c', this.#hex(40)], ['clone', `https://${this.#settings.service}/fork.git`]);
    if (kind === 1617) tags.push(['r', this.#hex(40)], ['t', 'root']);
    if (kind === 1619 || kind === 1622 || kind === 1630)
      tags.push(['e', this.#pick(repository.roots).id, '', 'root']);
    return this.#sign(author, kind, time, this.#prose(kind === 1617 ? 1800 : 350), tags);
  }

  #comment(repository: Repository, author: QuickSigner, kind: number, time: number): NostrEvent {
    const root = this.#skewed(repository.roots);
    const tags = [
      ['E', root.id, '', root.pubkey],
      ['K', String(root.kind)],
      ['P', root.pubkey],
      ['e', root.id, '', root.pubkey],
      ['k', String(root.kind)],
      ['p', root.pubkey],
    ];
    return this.#sign(author, kind, time, this.#prose(300), kind === 1 ? tags.slice(3) : tags);
  }

  #sign(
    author: QuickSigner,
    kind: number,
    created_at: number,
    content: string,
    tags: string[][],
  ): NostrEvent {
    return author.sign({ kind, created_at, content, tags });
  }

  #kind(): number {
    let ticket = this.#random.next() * 100;
    for (const [kind, percent] of mix) {
      ticket -= percent;
      if (ticket < 0) return kind;
    }
    return 1111;
  }

  #pick<T>(items: readonly T[]): T {
    return items[randomInteger(this.#random, items.length)] as T;
  }

  /** Picks the first items far more often than the last: the square of a uniform number. */
  #skewed<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.next() ** 2 * items.length)] as T;
  }

  /** Text of about `characters` characters, from half to one and a half as many. */
  #prose(characters: number): string {
    const length = Math.floor(characters * (0.5 + this.#random.next()));
    let text = '';
    while (text.length < length) text += `${this.#pick(words)} `;
    return text.slice(0, length);
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => randomInteger(this.#random, 16).toString(16)).join('');
  }
}

const words =
  'the patch adds a test for when relay drops its connection while catch-up runs and fixes the off-by-one in range paging; see diff below, reviewed with ünïcode “quotes” and a\nnew line'.split(
    ' ',
  );
