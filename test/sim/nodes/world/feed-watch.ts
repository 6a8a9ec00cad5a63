import type { NodeClient } from '../node/node-client.js';
import type { Side } from '../node/side.js';

/**
 * What those are told who listen at a node for as long as it serves the same thing: what was there at first, and each change of
 * that, come to what is there.
 */
export class FeedWatch {
  /** A client that is subscribed to all. */
  readonly client: NodeClient;
  readonly #side: Side;
  /** How often each event came, less how often it left. */
  readonly #balance = new Map<string, number>();
  readonly #report: (what: string) => void;
  #announced: number;

  constructor(side: Side, client: NodeClient, report: (what: string) => void) {
    const { store, feed } = side;
    this.#side = side;
    this.client = client;
    this.#report = report;
    this.#announced = feed.announced;
    for (const id of store.ids({})) this.#add(id, 1);
    feed.onAccepted(({ event, sequence }) => {
      if (sequence === undefined) return;
      if (sequence <= this.#announced) report(`event ${event.id} is announced again or out of order`);
      this.#announced = sequence;
      this.#add(event.id, 1);
    });
    feed.onRemoved(({ removed }) => {
      // What expired while the store was opened was never told of.
      for (const { id } of removed) if (this.#balance.has(id)) this.#add(id, -1);
    });
    client.subscribe();
  }

  /** At rest: nothing is on its way, and what expired was told of. */
  check(): void {
    const stored = new Set(this.#side.store.ids({}));
    for (const id of stored) {
      if (this.#balance.get(id) !== 1)
        this.#report(`event ${id} came ${this.#balance.get(id) ?? 0} times by the feed`);
      if (!this.client.received.has(id)) this.#report(`event ${id} did not come to a subscriber`);
    }
    for (const [id, count] of this.#balance)
      if (count !== 0 && !stored.has(id)) this.#report(`event ${id} is gone, and the feed did not say so`);
    if (!this.client.isLive) this.#report('a subscriber has no EOSE');
  }

  #add(id: string, by: number): void {
    this.#balance.set(id, (this.#balance.get(id) ?? 0) + by);
  }
}
