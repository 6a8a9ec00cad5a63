import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import { fromHex, toHex } from '../../../src/lib/bytes.js';
import type { Clock } from '../../../src/lib/clock.js';
import { NegentropyServer } from '../../../src/negentropy/server.js';
import { supersedes } from '../../../src/nostr/address.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import type { Filter } from '../../../src/nostr/filter.js';
import { compileFilters } from '../../../src/nostr/filter-match.js';
import {
  type Dialer,
  type RelayInformation,
  type SocketHandlers,
  TransportError,
} from '../../../src/sync/dial/transport.js';

/** A message as it came in: its type, its id, and the rest. */
export type Received = readonly [type: string, id: string, ...rest: unknown[]];

/** One connection of ours to a fake relay, seen from its side. */
export class FakeConnection {
  readonly received: Received[] = [];
  readonly subscriptions = new Map<string, Filter[]>();
  readonly sessions = new Map<string, NegentropyServer>();
  readonly #clock: Clock;
  readonly #handlers: SocketHandlers;
  readonly #underWay: string[] = [];
  isOpen = true;
  pings = 0;
  answersPings = true;
  paused = false;

  constructor(clock: Clock, handlers: SocketHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  /** Sends a message; it arrives a millisecond later, together with all that are sent meanwhile. */
  send(...message: unknown[]): void {
    this.#underWay.push(JSON.stringify(message));
    if (this.#underWay.length > 1) return;
    this.#clock.after(1, () => {
      const frames = this.#underWay.splice(0);
      for (const frame of frames) if (this.isOpen) this.#handlers.onMessage(frame);
    });
  }

  /** Ends the connection, as the remote or the network does. */
  drop(error?: TransportError): void {
    this.#clock.after(1, () => this.#close(error));
  }

  ping(): void {
    this.pings += 1;
    if (!this.answersPings) return;
    this.#clock.after(1, () => {
      if (this.isOpen) this.#handlers.onHeartbeat();
    });
  }

  close(): void {
    this.#clock.after(1, () => this.#close(undefined));
  }

  #close(error: TransportError | undefined): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#handlers.onClosed(error);
  }
}

/** Looks at a message before the relay does; `true` keeps it from the relay. */
export type Script = (connection: FakeConnection, message: Received) => boolean | undefined;

/** A relay over the `Dialer` port: a correct one (NIP-01, 77), until a script says otherwise. */
export class FakeRelay {
  readonly url: string;
  readonly events: NostrEvent[] = [];
  readonly connections: FakeConnection[] = [];
  information: RelayInformation | undefined;
  script: Script = () => false;
  /** Most events of one answer. */
  pageMax = Number.POSITIVE_INFINITY;
  dials = 0;
  /** What becomes of a dial. */
  reachable: 'up' | TransportError = 'up';

  constructor(url: string) {
    this.url = url;
  }

  /** The connection that is open, or was last. */
  get connection(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error(`${this.url} was never connected to`);
    return last;
  }

  /** All messages of that type, over all connections. */
  messages(type: string): Received[] {
    return this.connections.flatMap(({ received }) => received.filter((message) => message[0] === type));
  }

  /** The filters of all REQs that ask for stored events by something else than ids. */
  pages(): Filter[] {
    return this.messages('REQ').flatMap(([, , ...filters]) =>
      (filters as Filter[]).filter(({ ids, limit }) => ids === undefined && limit !== 0),
    );
  }

  /** The ids that were asked for, ask by ask. */
  asks(): string[][] {
    return this.messages('REQ').flatMap(([, , filter]) => {
      const { ids } = filter as Filter;
      return ids === undefined ? [] : [ids];
    });
  }

  /** The filters of the live subscriptions that stand now. */
  live(): Filter[] {
    return [...this.connection.subscriptions.values()].flat().filter(({ limit }) => limit === 0);
  }

  /** Takes an event and sends it to those who subscribed. */
  publish(event: NostrEvent): void {
    this.events.push(event);
    for (const connection of this.connections) {
      if (!connection.isOpen) continue;
      for (const [id, filters] of connection.subscriptions) {
        if (matchesOf(filters)(event)) connection.send('EVENT', id, event);
      }
    }
  }

  /** What it has for a filter, newest first. */
  found(filter: Filter): NostrEvent[] {
    return this.events
      .filter(compileFilters([filter]))
      .sort((a, b) => (supersedes(a, b) ? -1 : 1))
      .slice(0, Math.min(filter.limit ?? this.pageMax, this.pageMax));
  }

  accept(connection: FakeConnection, frame: string): void {
    const message = JSON.parse(frame) as Received;
    connection.received.push(message);
    if (this.script(connection, message) !== true) this.#handle(connection, message);
  }

  #handle(connection: FakeConnection, [type, id, ...rest]: Received): void {
    switch (type) {
      case 'REQ': {
        const filters = rest as Filter[];
        connection.subscriptions.set(id, filters);
        for (const filter of filters) {
          for (const event of this.found(filter)) connection.send('EVENT', id, event);
        }
        connection.send('EOSE', id);
        return;
      }
      case 'CLOSE':
        connection.subscriptions.delete(id);
        return;
      case 'NEG-OPEN':
        connection.sessions.set(id, this.#reconciler(rest[0] as Filter));
        connection.send('NEG-MSG', id, this.#answer(connection, id, rest[1] as string));
        return;
      case 'NEG-MSG':
        connection.send('NEG-MSG', id, this.#answer(connection, id, rest[0] as string));
        return;
      case 'NEG-CLOSE':
        connection.sessions.delete(id);
        return;
    }
  }

  #reconciler(filter: Filter): NegentropyServer {
    const builder = createReferenceKernels().createRecordSet();
    const found = this.events.filter(compileFilters([filter]));
    for (const event of found) builder.add(event.created_at, fromHex(event.id));
    return new NegentropyServer(builder.seal(), 0);
  }

  #answer(connection: FakeConnection, id: string, payload: string): string {
    const session = connection.sessions.get(id);
    if (session === undefined) throw new Error(`no session ${id}`);
    return toHex(session.respond(fromHex(payload)));
  }
}

/** A network of fake relays. */
export class FakeNetwork implements Dialer {
  readonly relays = new Map<string, FakeRelay>();
  readonly dialled: { readonly url: string; readonly at: number; readonly trusted: boolean }[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  relay(url: string): FakeRelay {
    const relay = this.relays.get(url) ?? new FakeRelay(url);
    this.relays.set(url, relay);
    return relay;
  }

  async dial(target: { url: string; trusted: boolean }, handlers: SocketHandlers): Promise<FakeSocket> {
    this.dialled.push({ ...target, at: this.#clock.monotonic() });
    await this.#clock.sleep(1);
    const relay = this.relays.get(target.url);
    if (relay === undefined) throw new TransportError('dns', 'no such host');
    relay.dials += 1;
    if (relay.reachable !== 'up') throw relay.reachable;
    const connection = new FakeConnection(this.#clock, handlers);
    relay.connections.push(connection);
    return new FakeSocket(relay, connection, this.#clock);
  }

  async information(target: { url: string }): Promise<RelayInformation | undefined> {
    return this.relays.get(target.url)?.information;
  }
}

/** Our end of a connection. */
class FakeSocket {
  readonly bufferedBytes = 0;
  readonly #relay: FakeRelay;
  readonly #connection: FakeConnection;
  readonly #clock: Clock;
  readonly #underWay: string[] = [];

  constructor(relay: FakeRelay, connection: FakeConnection, clock: Clock) {
    this.#relay = relay;
    this.#connection = connection;
    this.#clock = clock;
  }

  send(frame: string): void {
    this.#underWay.push(frame);
    if (this.#underWay.length > 1) return;
    this.#clock.after(1, () => {
      const frames = this.#underWay.splice(0);
      for (const each of frames) if (this.#connection.isOpen) this.#relay.accept(this.#connection, each);
    });
  }

  ping(): void {
    this.#connection.ping();
  }

  pause(): void {
    this.#connection.paused = true;
  }

  resume(): void {
    this.#connection.paused = false;
  }

  close(): void {
    this.#connection.close();
  }
}

/** A NIP-11 document that says nothing, to be filled in. */
export const emptyInformation: RelayInformation = {
  supportedNips: undefined,
  maxSubscriptions: undefined,
  maxFilters: undefined,
  maxMessageBytes: undefined,
  maxLimit: undefined,
  authRequired: false,
  supportsGrasp: false,
  hasLimitation: false,
};

const compiled = new WeakMap<Filter[], (event: NostrEvent) => boolean>();

/** What the filters of a subscription match, prepared once. */
function matchesOf(filters: Filter[]): (event: NostrEvent) => boolean {
  const matches = compiled.get(filters) ?? compileFilters(filters);
  compiled.set(filters, matches);
  return matches;
}
