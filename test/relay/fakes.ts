import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { verifyEvent } from 'nostr-tools/pure';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Admission, AdmissionOutcome, EventSource } from '../../src/admission/admission.js';
import { EventFeed } from '../../src/admission/event-feed.js';
import type { Verifier } from '../../src/admission/verification/verifier.js';
import { limits } from '../../src/config/limits.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import type { AddressLimits } from '../../src/lib/budgets/address-accounts.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import type { Clock } from '../../src/lib/clock.js';
import { turnOrder } from '../../src/lib/turns/turn-order.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { ClientSession, type SessionServices } from '../../src/relay/client/client-session.js';
import { NegentropySlots } from '../../src/relay/client/negentropy-slots.js';
import { SubscriptionHub } from '../../src/relay/delivery/subscription-hub.js';
import { eventFrame } from '../../src/relay/frames/frames.js';
import { ClientGoneError, type Outbox } from '../../src/relay/frames/outbox.js';
import { textOf } from '../../src/relay/frames/text-frame.js';
import { RelayMetrics } from '../../src/relay/relay-metrics.js';
import {
  fixedRelaySettings,
  memorySharesOf,
  type RelaySettings,
  setMemorySharesOf,
  violationLimits,
} from '../../src/relay/settings.js';
import type { EventStore, StoredEvent } from '../../src/store/event-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { LocalSets } from '../../src/store/sets/local-sets.js';
import { accountsOf } from '../support/accounts.js';
import { silentFaults } from '../support/faults.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

export type Frame = readonly [type: string, ...rest: unknown[]];

/** An event whose id and signature only look right: the relay leaves checking them to admission. */
export function plainEvent(number: number, fields: Partial<NostrEvent> = {}): NostrEvent {
  const id = number.toString(16).padStart(64, '0');
  const created_at = 1_700_000_000 + number;
  return {
    id,
    pubkey: 'a'.repeat(64),
    created_at,
    kind: 1,
    tags: [],
    content: '',
    sig: 'b'.repeat(128),
    ...fields,
  };
}

export function storedEvent(event: NostrEvent, sequence = 0): StoredEvent {
  const json = eventJson(event);
  return { id: event.id, sequence, json, bytes: Buffer.from(json), event };
}

/** A client that reads when it is told to. */
export class FakeOutbox implements Outbox {
  readonly frames: Frame[] = [];
  #full = false;
  #room: Deferred<void> | undefined;

  get full(): boolean {
    return this.#full;
  }

  set full(full: boolean) {
    this.#full = full;
    if (full) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  send(text: string): void {
    this.frames.push(JSON.parse(text) as Frame);
  }

  sendFrame(frame: Buffer): void {
    this.send(textOf(frame).toString());
  }

  sendEvent(prefix: Buffer, eventJson: Uint8Array): void {
    this.sendFrame(eventFrame(prefix, eventJson));
  }

  async waitForCapacity(): Promise<void> {
    if (!this.#full) return;
    this.#room ??= deferred<void>();
    await this.#room.promise;
  }

  hasGivenWay = false;

  giveWay(): void {
    this.hasGivenWay = true;
    this.goAway();
  }

  isShutOut = false;

  shutOut(): void {
    this.isShutOut = true;
    this.goAway();
  }

  goAway(): void {
    this.#room?.reject(new ClientGoneError());
  }

  ofType(type: string): Frame[] {
    return this.frames.filter((frame) => frame[0] === type);
  }

  /** The ids of the events that a subscription was sent. */
  eventIds(subscription: string): string[] {
    return this.ofType('EVENT').flatMap(([, id, event]) =>
      id === subscription ? [(event as NostrEvent).id] : [],
    );
  }
}

/** Admission without checks before a store: what it takes is written, then announced. */
export class FakeAdmission implements Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'> {
  readonly feed = new EventFeed({ attempt: (_, step) => step() }, 0);
  readonly submitted: NostrEvent[] = [];
  /** Decides instead of the store. */
  decide: ((event: NostrEvent) => Promise<AdmissionOutcome>) | undefined;
  /** Resolves when there is room, where there is none. */
  room: Promise<void> | undefined;
  readonly #store: Pick<EventStore, 'put' | 'lastSequence'>;

  constructor(store: Pick<EventStore, 'put' | 'lastSequence'>) {
    this.#store = store;
  }

  async submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    this.submitted.push(event);
    if (this.decide !== undefined) return await this.decide(event);
    const { status, sequence, written } = this.#store.put(event);
    await written;
    if (status !== 'stored' && status !== 'ephemeral') {
      return { type: 'known', reason: `duplicate: ${status}` };
    }
    this.announce(event, sequence, source);
    return { type: status };
  }

  async waitForCapacity(): Promise<void> {
    await this.room;
  }

  hasCapacity(): boolean {
    return this.room === undefined;
  }

  announce(
    event: NostrEvent,
    sequence: number | undefined = Math.max(this.feed.announced, this.#store.lastSequence) + 1,
    source: EventSource = { type: 'direct' },
  ): void {
    this.feed.emitAccepted({ event, json: eventJson(event), source, stored: true, sequence });
  }
}

/** What sessions use of a store. */
type StoreParts = 'size' | 'query' | 'countInTurns' | 'collect' | 'collectInTurns';

export type WorldOptions = {
  readonly settings?: Partial<RelaySettings>;
  readonly store?: Partial<Pick<EventStore, StoreParts>>;
  readonly kernels?: SessionServices['kernels'];
  readonly negentropyMemory?: MemoryBudget;
  /** Of each address, beside those of what cannot be read. */
  readonly accounts?: Partial<AddressLimits>;
};

/** Calls the garbage collector, which Node shows on demand only. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Everything that sessions stand on, without sockets and under a virtual clock. */
export function sessionWorld(options: WorldOptions = {}) {
  const clock = new VirtualClock();
  const parts = relayParts(clock, options.settings);
  const store = { ...bound(parts.store), ...options.store };
  const kernels = options.kernels ?? parts.kernels;
  const scheduler = new TurnScheduler(clock, fixedSlice(5), turnOrder.of('clients'), (error) =>
    parts.faults.note('client', error),
  );
  const hub = new SubscriptionHub({ ...parts, scheduler, kernels, feed: parts.admission.feed });
  const accounts = accountsOf({ violations: violationLimits, ...options.accounts }, clock);
  const services: SessionServices = {
    ...parts,
    accounts,
    store,
    kernels,
    localSets: new LocalSets(
      { ...bound(parts.store), ...options.store, observe: () => {} },
      kernels,
      scheduler,
    ),
    hub,
    memory: new MemoryBudget(memorySharesOf(parts.settings)),
    scheduler,
    negentropySlots: new NegentropySlots(clock, parts.settings.negentropySlots),
    negentropyMemory: options.negentropyMemory ?? new MemoryBudget(setMemorySharesOf(kernels.memory())),
  };
  const client = (addressGroup = localAddressGroup) => {
    const outbox = new FakeOutbox();
    const session = new ClientSession(services, outbox, addressGroup, () => {});
    const send = (...message: unknown[]) => session.receive(JSON.stringify(message));
    return { outbox, session, send };
  };
  /** Lets all that was set off come to rest, and what was announced be handed out. */
  const handedOut = async () => {
    await settle();
    await clock.advance(limits.deliveryPauseMs);
  };
  return { ...parts, accounts, services, hub, clock, client, settle: handedOut };
}

/** Checks id and signature on the spot. */
const plainVerifier: Pick<Verifier, 'verify'> = {
  verify: async (events) => ({
    verdicts: events.map((event) => (verifyEvent({ ...event }) ? 'valid' : 'wrong-signature')),
  }),
};

/** What a `RelayServer` takes, over a memory store. */
export function relayParts<C extends Clock>(clock: C, settings: Partial<RelaySettings> = {}) {
  const { store } = createMemoryStore({ clock });
  const kernels = createReferenceKernels();
  return {
    clock,
    store,
    admission: new FakeAdmission(store),
    kernels,
    localSets: new LocalSets(store, kernels, new TurnScheduler(clock, fixedSlice(5), turnOrder.of('care'))),
    logger: pino({ level: 'silent' }),
    faults: silentFaults(),
    accounts: accountsOf({ violations: violationLimits }, clock),
    verifier: plainVerifier,
    isOwnUrl: (url: string) => /^ws:\/\/127\.0\.0\.1[:/]/.test(url),
    metrics: new RelayMetrics(new Registry()),
    settings: {
      ...fixedRelaySettings,
      connectionsMax: undefined,
      memoryBytesMax: 256_000_000,
      eventsPerMinuteMax: 60,
      ...settings,
    },
  };
}

function bound(store: EventStore): Pick<EventStore, StoreParts> {
  return {
    size: store.size,
    query: (...args) => store.query(...args),
    countInTurns: (...args) => store.countInTurns(...args),
    collect: (filter, target) => store.collect(filter, target),
    collectInTurns: (...args) => store.collectInTurns(...args),
  };
}
