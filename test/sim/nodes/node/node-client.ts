import { type Deferred, deferred } from '../../../../src/lib/abort.js';
import { type Clock, secondMs } from '../../../../src/lib/clock.js';
import type { NostrEvent } from '../../../../src/nostr/event.js';
import type { HostSession } from '../../network/connection.js';
import type { RelaySide } from '../../ring/relay-side.js';
import type { NodeClock } from './node-clock.js';

/** What was said to an event; `undefined` where the connection ended before. */
export type Answer = { readonly accepted: boolean; readonly reason: string } | undefined;

const latencyMs = 2;

/** A client of a node, over one connection. */
export class NodeClient {
  /** The events that came for its subscription. */
  readonly received = new Set<string>();
  /** Whether all that was stored has come. */
  isLive = false;
  readonly #world: Clock;
  readonly #clock: NodeClock;
  readonly #answers = new Map<string, Deferred<Answer>>();
  #session: HostSession | undefined;
  #subscriptions = 0;
  #isOver = false;

  constructor(world: Clock, clock: NodeClock, relay: RelaySide) {
    this.#world = world;
    this.#clock = clock;
    this.#deliver(() => {
      this.#session = relay.accept({
        bufferedBytes: 0,
        send: (text) => this.#world.after(latencyMs, () => this.#receive(text)),
        close: () => this.close(),
        abort: () => this.close(),
      });
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Asks for all that is stored, and all that comes; again when it is told that this has ended. */
  subscribe(): void {
    this.received.clear();
    this.isLive = false;
    this.#subscriptions += 1;
    this.#send(['REQ', `all ${this.#subscriptions}`, { limit: 5_000 }]);
  }

  async publish(event: NostrEvent): Promise<Answer> {
    if (this.#isOver) return undefined;
    const answer = deferred<Answer>();
    this.#answers.set(event.id, answer);
    this.#send(['EVENT', event]);
    return await answer.promise;
  }

  /** Its connection ends, from whichever side. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const answer of this.#answers.values()) answer.resolve(undefined);
    this.#clock.deliver(latencyMs, () => this.#session?.closed());
  }

  #send(message: readonly unknown[]): void {
    const text = JSON.stringify(message);
    this.#deliver(() => this.#session?.received(text));
  }

  #deliver(step: () => void): void {
    this.#clock.deliver(latencyMs, () => {
      if (!this.#isOver) step();
    });
  }

  #receive(text: string): void {
    if (this.#isOver) return;
    const [type, id, ...rest] = JSON.parse(text) as [string, string, ...unknown[]];
    if (type === 'EVENT') this.received.add((rest[0] as NostrEvent).id);
    else if (type === 'EOSE') this.isLive = true;
    else if (type === 'CLOSED') this.#world.after(secondMs, () => this.subscribe());
    else if (type === 'OK') {
      const [accepted, reason] = rest as [boolean, string];
      this.#answers.get(id)?.resolve({ accepted, reason });
      this.#answers.delete(id);
    }
  }
}
