import { unixSeconds } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { between, chance, pick } from '../../random.js';
import type { Trace } from '../../trace.js';
import type { SimNode } from '../node/node.js';
import { NodeClient } from '../node/node-client.js';
import type { Side } from '../node/side.js';
import { Author, announcement } from './author.js';
import { FeedWatch } from './feed-watch.js';
import type { Ledger } from './ledger.js';

export type CrowdParts = {
  readonly clock: VirtualClock;
  readonly nodes: readonly SimNode[];
  readonly ledger: Ledger;
  /** The mean of the pauses of each author. */
  readonly pauseMs: number;
  readonly trace: Trace;
  readonly report: (what: string) => void;
};

/** Those who use the nodes: authors, who publish at whichever there is, and at each of them somebody who is subscribed to all. */
export class Crowd {
  /** Whether nobody says anything new. */
  isQuiet = true;
  readonly #parts: CrowdParts;
  readonly #clients = new Map<Side, { readonly watch: FeedWatch | undefined; readonly all: NodeClient[] }>();
  #waiting = 0;
  #isOver = false;

  constructor(parts: CrowdParts) {
    this.#parts = parts;
  }

  /** How many authors wait for an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A node serves something else from now on. */
  onServing(node: SimNode, side: Side): void {
    const all: NodeClient[] = [];
    this.#clients.set(side, { watch: undefined, all });
    const client = this.#connect(node);
    if (client === undefined) return;
    const watch = new FeedWatch(side, client, (what) => this.#parts.report(`node ${node.index}: ${what}`));
    this.#clients.set(side, { watch, all });
  }

  onLeft(side: Side): void {
    for (const client of this.#clients.get(side)?.all ?? []) client.close();
    this.#clients.delete(side);
  }

  /** Announces the repository on which all hangs. */
  async announce(node: SimNode): Promise<void> {
    const { clock, ledger } = this.#parts;
    const event = announcement(unixSeconds(clock) - 2_000_000);
    const client = this.#connect(node);
    ledger.asked(event);
    ledger.answered(event, await client?.publish(event));
    client?.close();
  }

  /** An author, who says one thing after the other, until the end. */
  async write(random: Random): Promise<void> {
    const { clock, nodes, ledger, pauseMs } = this.#parts;
    const author = new Author(random, clock);
    let client: NodeClient | undefined;
    let node = pick(random, nodes);
    while (!this.#isOver) {
      await clock.sleep(between(random, 1, 2 * pauseMs));
      if (this.isQuiet) continue;
      if (client === undefined || client.isOver || chance(random, 0.1)) {
        client?.close();
        node = pick(random, nodes);
        client = this.#connect(node);
      }
      if (client === undefined) continue;
      const event = author.next();
      ledger.asked(event);
      const { failures } = node.way;
      this.#waiting += 1;
      const answer = await client.publish(event);
      this.#waiting -= 1;
      this.#parts.trace(
        () => `node ${node.index} says to ${event.id.slice(0, 8)}: ${JSON.stringify(answer)}`,
      );
      ledger.answered(event, answer);
      if (answer?.accepted !== true) continue;
      author.taken(event);
      const isServed = client.isOver || node.side?.store.has(event.id) !== false;
      if (!isServed && node.way.failures === failures && ledger.isDue(event.id))
        this.#parts.report(`${event.id} had its OK at node ${node.index}, which does not serve it`);
    }
    client?.close();
  }

  /** At rest: who is subscribed has all. */
  check(): void {
    for (const { watch } of this.#clients.values()) watch?.check();
  }

  end(): void {
    this.#isOver = true;
  }

  #connect(node: SimNode): NodeClient | undefined {
    const { side, clock } = node;
    if (side === undefined || clock === undefined) return undefined;
    const client = new NodeClient(this.#parts.clock, clock, side.relay);
    this.#clients.get(side)?.all.push(client);
    return client;
  }
}
