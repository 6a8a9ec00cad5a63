import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import type { Admission } from '../../../src/admission/admission.js';
import { relayInformation } from '../../../src/http/relay-information.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import { localAddressGroup } from '../../../src/lib/budgets/address-group.js';
import { MemoryBudget } from '../../../src/lib/budgets/memory-budget.js';
import type { Clock } from '../../../src/lib/clock.js';
import { Faults } from '../../../src/lib/faults.js';
import { turnOrder } from '../../../src/lib/turns/turn-order.js';
import { fixedSlice, TurnScheduler } from '../../../src/lib/turns/turn-scheduler.js';
import { ClientSession, type SessionServices } from '../../../src/relay/client/client-session.js';
import { NegentropySlots } from '../../../src/relay/client/negentropy-slots.js';
import { SubscriptionHub } from '../../../src/relay/delivery/subscription-hub.js';
import { RelayMetrics } from '../../../src/relay/relay-metrics.js';
import {
  fixedRelaySettings,
  limitationOf,
  memorySharesOf,
  type RelaySettings,
  servedNips,
  setMemorySharesOf,
} from '../../../src/relay/settings.js';
import type { EventStore } from '../../../src/store/event-store.js';
import { LocalSets } from '../../../src/store/sets/local-sets.js';
import { parseInformation } from '../../../src/sync/dial/information.js';
import type { RelayInformation } from '../../../src/sync/dial/transport.js';
import { accountsOf } from '../../support/accounts.js';
import { createFakeVerifier } from '../daemon/fake-verifier.js';
import type { HostPeer, HostSession } from '../network/connection.js';
import type { Host } from '../network/network.js';
import { PeerOutbox } from './peer-outbox.js';

const settings: RelaySettings = {
  ...fixedRelaySettings,
  connectionsMax: undefined,
  memoryBytesMax: 256_000_000,
  eventsPerMinuteMax: 60,
};

export type RelaySideParts = {
  readonly url: string;
  readonly process: {
    readonly admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>;
    readonly store: EventStore;
    readonly clock: Clock;
  };
  readonly kernels: Kernels;
  /** Told of whatever a relay must never come to. */
  readonly report: (what: string) => void;
  /** Without it, what is logged as an error is reported. */
  readonly logger?: Logger;
};

/**
 * The relay of a process of ours as the others dial it: sessions, subscriptions and reconciliation as they are, over
 * connections of the simulated network. What is left out is the shell around a socket, with its pings.
 */
export class RelaySide implements Host, Disposable {
  readonly url: string;
  readonly #parts: RelaySideParts;
  readonly #services: SessionServices;
  readonly #sessions = new Set<ClientSession>();

  constructor(parts: RelaySideParts) {
    this.url = parts.url;
    this.#parts = parts;
    const { kernels } = parts;
    const { admission, store, clock } = parts.process;
    const faults = new Faults({ error: (details: unknown) => this.#fault(details) });
    const scheduler = new TurnScheduler(clock, fixedSlice(5), turnOrder.of('clients'), (error) =>
      faults.note('client', error),
    );
    const common = {
      admission,
      store,
      kernels,
      clock,
      faults,
      scheduler,
      logger: parts.logger ?? pino({ level: 'error' }, { write: (line) => this.#fault(line) }),
      metrics: new RelayMetrics(new Registry()),
    };
    this.#services = {
      ...common,
      settings,
      hub: new SubscriptionHub({ ...common, feed: admission.feed }),
      localSets: new LocalSets(store, kernels, new TurnScheduler(clock, fixedSlice(5), turnOrder.of('care'))),
      memory: new MemoryBudget(memorySharesOf(settings)),
      accounts: accountsOf({}, clock),
      verifier: createFakeVerifier(),
      isOwnUrl: (url) => url === parts.url,
      negentropySlots: new NegentropySlots(clock, settings.negentropySlots),
      negentropyMemory: new MemoryBudget(setMemorySharesOf(kernels.memory())),
    };
  }

  /** How many are connected, clients among them. */
  get connections(): number {
    return this.#sessions.size;
  }

  accept(peer: HostPeer): HostSession {
    const { url, report, process } = this.#parts;
    const outbox = new PeerOutbox(peer, process.clock, settings, (what) => report(`${url} ${what}`));
    const waiting: string[] = [];
    const read = () => {
      while (waiting.length > 0 && !session.blocked) session.receive(waiting.shift() as string);
    };
    const session: ClientSession = new ClientSession(this.#services, outbox, localAddressGroup, read);
    this.#sessions.add(session);
    return {
      answersPings: true,
      received: (text) => {
        waiting.push(text);
        read();
      },
      closed: () => {
        outbox.isGone = true;
        session[Symbol.dispose]();
        this.#sessions.delete(session);
      },
    };
  }

  /** What sync reads of the document that a daemon serves. */
  information(): RelayInformation | undefined {
    const document = relayInformation({
      name: this.url,
      description: '',
      pubkey: 'a'.repeat(64),
      supportedNips: servedNips,
      software: 'graspd',
      version: '0',
      icon: 'https://example.com/icon.png',
      limitation: limitationOf(fixedRelaySettings),
      supportedGrasps: ['GRASP-01', 'GRASP-02', 'GRASP-05'],
      repoAcceptanceCriteria: '',
      curation: undefined,
    });
    return parseInformation(JSON.stringify(document));
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session[Symbol.dispose]();
    this.#services.hub[Symbol.dispose]();
  }

  #fault(details: unknown): void {
    this.#parts.report(`${this.url} failed: ${JSON.stringify(details)}`);
  }
}
