import type { NostrEvent } from '../../../src/nostr/event.js';
import type { RelayInformation } from '../../../src/sync/dial/transport.js';
import type { HostPeer, HostSession } from '../network/connection.js';
import type { Host } from '../network/network.js';
import type { Trace } from '../trace.js';
import type { Behaviour, ClientMessage, RelayMessage } from './behaviour.js';
import { EventSet, matches, newestFirst, type WireFilter } from './event-set.js';
import { ReferenceNegentropy } from './reference-negentropy.js';

/** What a relay keeps of one connection. */
export class RelaySession {
  readonly relay: RemoteRelay;
  readonly peer: HostPeer;
  readonly subscriptions = new Map<string, WireFilter[]>();
  readonly reconciliations = new Map<string, { answer(message: string): string }>();
  open = true;

  constructor(relay: RemoteRelay, peer: HostPeer) {
    this.relay = relay;
    this.peer = peer;
  }

  /** Sends a message as the relay's behaviours let it out. */
  send(message: RelayMessage): void {
    let messages: RelayMessage[] = [message];
    for (const behaviour of this.relay.behaviours) {
      if (behaviour.sending === undefined) continue;
      messages = messages.flatMap((each) => behaviour.sending?.(this, each) ?? [each]);
    }
    for (const each of messages) this.sendRaw(JSON.stringify(each));
  }

  /** Sends a text past all behaviours. */
  sendRaw(text: string): void {
    if (!this.open) return;
    this.relay.trace(() => `${this.relay.url} > ${brief(text)}`);
    this.peer.send(text);
  }
}

/** A breach of what the relay published, or of what a relay that published nothing may expect. */
export type Breach = { readonly url: string; readonly what: string };

/** What a relay that publishes no limits may expect of us (docs/sync.md §2). */
const unpublished = { subscriptions: 8, filters: 10, messageBytes: 60_000, reconciliations: 1 };

/**
 * A remote relay: a correct one at its core (NIP-01, 77), made into any other kind by behaviours that take messages
 * before the core sees them or change what it sends.
 */
export class RemoteRelay implements Host {
  readonly url: string;
  readonly behaviours: readonly Behaviour[];
  readonly events = new EventSet();
  readonly trace: Trace;
  readonly #onBreach: (breach: Breach) => void;
  readonly #sessions = new Set<RelaySession>();
  readonly #information: RelayInformation | undefined;

  constructor(
    url: string,
    behaviours: readonly Behaviour[],
    trace: Trace,
    onBreach: (breach: Breach) => void,
  ) {
    this.url = url;
    this.behaviours = behaviours;
    this.trace = trace;
    this.#onBreach = onBreach;
    this.#information = informationOf(behaviours);
  }

  /** Whether what it holds must reach us: it may be limited and slow, but it does not deceive. */
  get honest(): boolean {
    return this.behaviours.every((behaviour) => behaviour.honest);
  }

  get needsKey(): boolean {
    return this.behaviours.some((behaviour) => behaviour.needsKey === true);
  }

  /** Whether this event, which it holds, is one that it serves. */
  serves(event: NostrEvent): boolean {
    return this.behaviours.every((behaviour) => behaviour.withholds?.(event) !== true);
  }

  /** Whether an event that it holds reaches those who ask for it, whole. */
  delivers(event: NostrEvent): boolean {
    return this.serves(event) && this.behaviours.every((behaviour) => behaviour.spoils?.(event) !== true);
  }

  information(): RelayInformation | undefined {
    return this.#information;
  }

  accept(peer: HostPeer): HostSession {
    const session = new RelaySession(this, peer);
    this.#sessions.add(session);
    for (const behaviour of this.behaviours) behaviour.connected?.(session);
    return {
      answersPings: this.behaviours.every((behaviour) => behaviour.ignoresPings !== true),
      received: (text) => this.#received(session, text),
      closed: () => {
        session.open = false;
        this.#sessions.delete(session);
      },
    };
  }

  /** Breaks all connections, as a crash does. */
  abortSessions(): void {
    for (const session of [...this.#sessions]) session.peer.abort();
  }

  /** Takes an event from a user of this relay and sends it to the subscriptions that match. */
  publish(event: NostrEvent): void {
    const ephemeral = event.kind >= 20_000 && event.kind < 30_000;
    if (!ephemeral && !this.events.add(event)) return;
    this.trace(() => `${this.url} got ${describe(event)}`);
    for (const session of this.#sessions) {
      for (const [id, filters] of [...session.subscriptions]) {
        if (filters.some((filter) => matches(filter, event))) session.send(['EVENT', id, event]);
      }
    }
  }

  #received(session: RelaySession, text: string): void {
    this.trace(() => `${this.url} < ${brief(text)}`);
    const message = JSON.parse(text) as ClientMessage;
    this.#checkMessage(message, Buffer.byteLength(text));
    this.#checkSession(session, message);
    for (const behaviour of this.behaviours) {
      if (behaviour.received?.(session, message, text) === true) return;
    }
    this.#handle(session, message);
  }

  #handle(session: RelaySession, message: ClientMessage): void {
    switch (message[0]) {
      case 'REQ': {
        const [, id, ...filters] = message;
        session.subscriptions.set(id, filters);
        for (const event of this.stored(filters)) session.send(['EVENT', id, event]);
        session.send(['EOSE', id]);
        return;
      }
      case 'CLOSE':
        session.subscriptions.delete(message[1]);
        return;
      case 'NEG-OPEN': {
        const [, id, filter, payload] = message;
        session.reconciliations.set(id, this.#responder(this.reconcilable(filter)));
        this.#answer(session, id, payload);
        return;
      }
      case 'NEG-MSG':
        this.#answer(session, message[1], message[2]);
        return;
      case 'NEG-CLOSE':
        session.reconciliations.delete(message[1]);
        return;
      default:
        session.send(['NOTICE', `unknown message ${String(message[0])}`]);
    }
  }

  /** The stored answer to a REQ: each event once, filter by filter. */
  stored(filters: readonly WireFilter[]): NostrEvent[] {
    const found = new Set<NostrEvent>();
    for (const filter of filters) {
      let events = this.events.matching(filter).filter((event) => this.serves(event));
      events = events.slice(0, filter.limit ?? Number.POSITIVE_INFINITY);
      for (const behaviour of this.behaviours) events = behaviour.results?.(events, filter) ?? events;
      for (const event of events) found.add(event);
    }
    let all = [...found].sort(newestFirst);
    for (const behaviour of this.behaviours) all = behaviour.answer?.(all) ?? all;
    return all;
  }

  /** What is reconciled for a filter, withheld events too: relays list what they do not serve. */
  reconcilable(filter: WireFilter): NostrEvent[] {
    let events = this.events.matching(filter);
    for (const behaviour of this.behaviours) events = behaviour.reconciles?.(events, filter) ?? events;
    return events;
  }

  #responder(events: readonly NostrEvent[]): { answer(message: string): string } {
    for (const { responder } of this.behaviours) if (responder !== undefined) return responder(events);
    return new ReferenceNegentropy(
      events.map(({ id, created_at }) => ({ id, timestamp: created_at })),
      0,
    );
  }

  #answer(session: RelaySession, id: string, payload: string): void {
    const reconciliation = session.reconciliations.get(id);
    if (reconciliation === undefined) {
      session.send(['NEG-ERR', id, 'closed: no such session']);
      return;
    }
    try {
      session.send(['NEG-MSG', id, reconciliation.answer(payload)]);
    } catch (error) {
      this.#onBreach({ url: this.url, what: `a negentropy message that cannot be read: ${String(error)}` });
      session.reconciliations.delete(id);
      session.send(['NEG-ERR', id, 'invalid: bad message']);
    }
  }

  #checkMessage(message: ClientMessage, bytes: number): void {
    const info = this.#information;
    const bytesMax = info?.maxMessageBytes ?? unpublished.messageBytes;
    if (bytes > bytesMax) this.#breach(`a ${message[0]} of ${bytes} bytes; the limit is ${bytesMax}`);
    if (message[0] === 'REQ') {
      const filters = message.slice(2) as unknown as WireFilter[];
      const filtersMax = info?.maxFilters ?? unpublished.filters;
      if (filters.length > filtersMax) this.#breach(`${filters.length} filters; the limit is ${filtersMax}`);
      if (filters.length === 0) this.#breach('a REQ without a filter');
      for (const filter of filters) this.#checkFilter(filter);
    }
    if (message[0] === 'NEG-OPEN') this.#checkFilter(message[2]);
  }

  #checkFilter(filter: WireFilter): void {
    const lists = Object.values(filter).filter(Array.isArray);
    if (lists.some((list) => list.length === 0)) this.#breach('a filter with an empty list');
    const limitMax = this.#information?.maxLimit;
    if (limitMax !== undefined && (filter.limit ?? 0) > limitMax) {
      this.#breach(`a limit of ${filter.limit}; the most is ${limitMax}`);
    }
    for (const [name, values] of Object.entries(filter)) {
      if (name.startsWith('#') && (values as string[]).length > 100) this.#breach(`more than 100 ${name}`);
    }
    if ((filter.ids?.length ?? 0) > 300) this.#breach(`${filter.ids?.length} ids in one ask`);
  }

  #checkSession(session: RelaySession, [type, id]: ClientMessage): void {
    const { subscriptions, reconciliations } = session;
    if (type === 'REQ' && !subscriptions.has(id)) {
      const most = this.#information?.maxSubscriptions ?? unpublished.subscriptions;
      if (subscriptions.size >= most) this.#breach(`more than ${most} open subscriptions`);
    }
    if (type === 'NEG-OPEN' && !reconciliations.has(id) && this.#information?.hasLimitation !== true) {
      const most = unpublished.reconciliations;
      if (reconciliations.size >= most) this.#breach(`more than ${most} negentropy sessions`);
    }
  }

  #breach(what: string): void {
    this.trace(() => `BREACH ${this.url}: ${what}`);
    this.#onBreach({ url: this.url, what });
  }
}

function informationOf(behaviours: readonly Behaviour[]): RelayInformation | undefined {
  const parts = behaviours.flatMap(({ information }) => (information === undefined ? [] : [information]));
  if (parts.length === 0) return undefined;
  const empty: RelayInformation = {
    supportedNips: undefined,
    maxSubscriptions: undefined,
    maxFilters: undefined,
    maxMessageBytes: undefined,
    maxLimit: undefined,
    authRequired: false,
    supportsGrasp: false,
    hasLimitation: false,
  };
  return Object.assign(empty, ...parts);
}

/** An event in a trace line: its kind, the start of its id, its time. */
export function describe(event: NostrEvent): string {
  return `${event.kind} ${event.id.slice(0, 8)} @${event.created_at}`;
}

/** A frame in a trace line, short enough to read. */
function brief(text: string): string {
  if (text.length <= 400) return text;
  return `${text.slice(0, 300)}… (${text.length})`;
}
