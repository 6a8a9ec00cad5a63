import { setTimeout as sleep } from 'node:timers/promises';
import { type DelayProxy, type LinkFaults, startDelayProxy } from '../../../bench/system/delay-proxy.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { freePort } from '../../support/free-port.js';
import { quickArchive } from '../../support/quick-sync.js';
import { TestClient } from '../../support/test-client.js';
import { heldWithin } from '../finding.js';

/** One way from a daemon to a neighbour; the way back is another. */
type Link = {
  readonly from: number;
  readonly to: number;
  readonly faults: LinkFaults;
  readonly proxy: DelayProxy;
};

type Member = {
  readonly daemon: DaemonProcess;
  /** Publishes, and is subscribed to all that is new. */
  readonly client: TestClient;
  readonly openFiles: number;
};

const author = testIdentity(760);
const now = Math.floor(Date.now() / 1_000) - 100_000;
const roundTripMs = 20;

/** Daemons of which each follows its two neighbours, over links that can be made bad. */
export class Ring implements AsyncDisposable {
  readonly #stack: ReleaseStack;
  readonly #random: Random;
  readonly #members: readonly Member[];
  readonly #links: readonly Link[];
  readonly #published: NostrEvent[] = [];

  private constructor(
    stack: ReleaseStack,
    random: Random,
    members: readonly Member[],
    links: readonly Link[],
  ) {
    this.#stack = stack;
    this.#random = random;
    this.#members = members;
    this.#links = links;
  }

  static async start(count: number, random: Random): Promise<Ring> {
    const stack = new ReleaseStack();
    try {
      const ports: number[] = [];
      for (let n = 0; n < count; n++) ports.push(await freePort());
      const links: Link[] = [];
      const members: Member[] = [];
      for (const [from, port] of ports.entries()) {
        const urls: string[] = [];
        for (const to of new Set([(from + 1) % count, (from + count - 1) % count])) {
          const faults: LinkFaults = { mode: 'open', ...calm, random };
          const proxy = stack.use(await startDelayProxy(ports[to] as number, roundTripMs, faults));
          links.push({ from, to, faults, proxy });
          urls.push(`ws://127.0.0.1:${proxy.port}`);
        }
        const flags = [
          ...quickArchive,
          '--client-events-per-minute=6000',
          '--sync-bootstrap-relay-url',
          urls.join(),
        ];
        const daemon = stack.use(await DaemonProcess.start({ port, flags }));
        const client = stack.use(await TestClient.connect(daemon.url));
        client.send('REQ', 'new', { limit: 0 });
        await client.message(([type, id]) => type === 'EOSE' && id === 'new');
        members.push({ daemon, client, openFiles: 0 });
      }
      const ring = new Ring(stack, random, members, links);
      return ring;
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Every link is a connection: how it has to be when nothing is bad. */
  async isWhole(): Promise<boolean> {
    const counts = await Promise.all(
      this.#members.map(({ daemon }) => daemon.metric('ngit_relay_connections')),
    );
    return counts.every((count, index) => count === 1 + this.#links.filter(({ to }) => to === index).length);
  }

  /** Descriptors that all daemons together have open. */
  async openFiles(): Promise<number> {
    const counts = await Promise.all(this.#members.map(({ daemon }) => daemon.metric('process_open_fds')));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Makes links bad for `ms` while there is publishing everywhere. Then they are good again; connections that lost bytes, or
   * got wrong ones, end then, or are `left` for the daemons to find out. Gives what was wrong, in words.
   */
  async suffer(kind: Suffering, ms: number, after: 'ended' | 'left' = 'ended'): Promise<string[]> {
    const links = this.#chosen(kind);
    const begun = links.map(({ proxy }) => proxy.connections);
    for (const { faults, proxy } of links) {
      Object.assign(faults, sufferings[kind]);
      if (kind === 'cut' || kind === 'reset') proxy.cut(kind === 'reset');
    }
    const endsAt = performance.now() + ms;
    while (performance.now() < endsAt) {
      await this.#publish();
      const some = links[randomInteger(this.#random, links.length)];
      if (kind === 'cut' || kind === 'reset') some?.proxy.cut(kind === 'reset');
      await sleep(200);
    }
    const tries = links.map(({ proxy }, index) => proxy.connections - (begun[index] ?? 0));
    for (const { faults, proxy } of links) {
      Object.assign(faults, { mode: 'open', ...calm });
      if (after === 'ended') proxy.cut(true);
    }
    // A try is a NIP-11 document and a dial, and the wait between two of them is a second at least.
    const triesMax = 2 * (ms / 1_000 + 2);
    const isPaced = kind === 'cut' || kind === 'reset' || tries.every((count) => count <= triesMax);
    return isPaced ? [] : [`${Math.max(...tries)} connections of one link in ${ms} ms: they are not paced`];
  }

  /** Waits until all have the same events; gives how long that took, or `undefined` when it was longer than `ms`. */
  async converge(ms: number): Promise<number | undefined> {
    const begun = performance.now();
    for (const { client } of this.#members) {
      const left = ms - (performance.now() - begun);
      // Counted, for one answer does not have so many.
      const hasAll = async () => (await client.count({ kinds: [30617, 1621] })) === this.#published.length;
      if (!(await heldWithin(left, hasAll))) return undefined;
    }
    return performance.now() - begun;
  }

  /** How often a client was sent an event again. */
  get duplicates(): number {
    return this.#members.reduce((sum, { client }) => {
      const live = client.received.filter(([type, id]) => type === 'EVENT' && id === 'new');
      return sum + live.length - new Set(live.map(([, , event]) => (event as NostrEvent).id)).size;
    }, 0);
  }

  get eventCount(): number {
    return this.#published.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  /** A repository or an issue of one, at a daemon that chance chooses. */
  async #publish(): Promise<void> {
    const number = this.#published.length;
    const member = this.#members[randomInteger(this.#random, this.#members.length)] as Member;
    const repository = `30617:${author.pubkey}:r-${number - (number % 10)}`;
    const event = signedEvent(author, {
      kind: number % 10 === 0 ? 30617 : 1621,
      created_at: now + number,
      tags: number % 10 === 0 ? [['d', `r-${number}`]] : [['a', repository]],
    });
    const { accepted } = await member.client.publish(event);
    // Where the repository is not known yet its issue is refused, and was never promised to be there.
    if (accepted) this.#published.push(event);
  }

  /** A partition goes through two places of the ring; all else is bad at random. */
  #chosen(kind: Suffering): readonly Link[] {
    const count = this.#members.length;
    if (kind !== 'partition' && kind !== 'silence') {
      const some = this.#links.filter(() => this.#random.next() < 0.5);
      return some.length > 0 ? some : this.#links;
    }
    const first = randomInteger(this.#random, count);
    const second = (first + 1 + randomInteger(this.#random, count - 1)) % count;
    const crosses = ({ from, to }: Link, at: number) => {
      const next = (at + 1) % count;
      return (from === at && to === next) || (from === next && to === at);
    };
    return this.#links.filter((link) => crosses(link, first) || crosses(link, second));
  }
}

const calm = { jitterMs: 0, bytesPerMs: Number.POSITIVE_INFINITY, flipShare: 0 };

/** What may become of links. */
const sufferings = {
  partition: { mode: 'refusing' },
  silence: { mode: 'silent' },
  jitter: { jitterMs: 500 },
  narrow: { bytesPerMs: 5 },
  corruption: { flipShare: 0.05 },
  cut: {},
  reset: {},
} as const satisfies Record<string, Partial<LinkFaults>>;

export type Suffering = keyof typeof sufferings;

export const allSufferings = Object.keys(sufferings) as Suffering[];
