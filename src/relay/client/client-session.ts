import type { AddressAccount, AddressAccounts } from '../../lib/budgets/address-accounts.js';
import { partyOf } from '../../lib/budgets/address-group.js';
import type { MemoryBudget, MemoryHolder } from '../../lib/budgets/memory-budget.js';
import { errorMessage } from '../../lib/errors.js';
import type { Faults } from '../../lib/faults.js';
import type { TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import { type ClientMessage, InvalidMessageError } from '../../nostr/message.js';
import type { EventStore } from '../../store/event-store.js';
import { closedFrame, countFrame, noticeFrame, okFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import { messageBytes, requestBytes } from '../held-bytes.js';
import type { RequestType } from '../relay-metrics.js';
import { NoRoomError, RequestMemory } from '../request-memory.js';
import { WorkBudget, type WorkLimits } from '../work-budget.js';
import { type AuthenticationServices, ClientAuthentication } from './client-authentication.js';
import { ClientNegentropy, type NegentropyServices } from './client-negentropy.js';
import { ClientSubscriptions, type SubscriptionServices } from './client-subscriptions.js';
import { MessageIntake } from './message-intake.js';
import { MessageRefusals } from './message-refusals.js';
import { Publisher, type PublisherServices } from './publisher.js';
import { RequestQueue, type RequestQueueLimits } from './request-queue.js';

/** What the sessions of all clients share. */
export type SessionServices = Omit<
  PublisherServices & SubscriptionServices & NegentropyServices & AuthenticationServices,
  'store' | 'settings'
> & {
  readonly store: Pick<EventStore, 'query' | 'countInTurns'>;
  readonly scheduler: TurnScheduler;
  /** What all clients may make the relay hold. */
  readonly memory: MemoryBudget;
  readonly faults: Faults;
  readonly accounts: Pick<AddressAccounts, 'of'>;
  readonly settings: PublisherServices['settings'] &
    SubscriptionServices['settings'] &
    NegentropyServices['settings'] &
    RequestQueueLimits &
    WorkLimits;
};

type AboutSubscription = Extract<ClientMessage, { subscription: string }>;

const noRoom = 'rate-limited: there is no memory for more requests';

/**
 * The protocol towards one client (NIP-01, 42, 45, 77): takes its frames, and answers into its outbox. It holds no
 * socket. Events go straight to admission; requests that cost more than a look-up wait in the client's queue.
 */
export class ClientSession implements Disposable {
  /** What clients of its address take. */
  readonly account: AddressAccount;
  /** What the client makes the relay hold. */
  readonly memory: MemoryHolder;
  /** What of the client waits for its turn. */
  readonly requests: RequestQueue;
  readonly #services: SessionServices;
  readonly #outbox: Outbox;
  readonly #intake: MessageIntake;
  readonly #authentication: ClientAuthentication;
  readonly #publisher: Publisher;
  readonly #subscriptions: ClientSubscriptions;
  readonly #negentropy: ClientNegentropy;
  readonly #refusals: MessageRefusals;
  /** Ends the counts that are under way. */
  readonly #gone = new AbortController();
  #ended = false;

  /**
   * `addressGroup` is where the client comes from (`lib/budgets/address-group.ts`); `onFlowChanged` is told whenever `blocked`
   * may have changed.
   */
  constructor(services: SessionServices, outbox: Outbox, addressGroup: string, onFlowChanged: () => void) {
    this.#services = services;
    this.account = services.accounts.of(addressGroup);
    const group = partyOf(addressGroup);
    this.memory = services.memory.holder(group, () => {
      this[Symbol.dispose]();
      outbox.giveWay();
    });
    this.#outbox = outbox;
    const budget = new WorkBudget(services.clock, services.settings);
    this.requests = new RequestQueue(
      services.scheduler,
      services.settings,
      budget,
      outbox,
      onFlowChanged,
      (error) => this.#onFailure(error),
      group,
    );
    this.#intake = new MessageIntake(
      services.clock,
      this.requests,
      this.memory,
      {
        onMessage: (message, chars, ms) => this.#dispatch(message, chars, ms),
        onFailure: (error, chars, ms) => this.#refuseFrame(error, chars, ms),
      },
      onFlowChanged,
    );
    this.#authentication = new ClientAuthentication(services, outbox);
    this.#publisher = new Publisher(
      services,
      outbox,
      this.memory,
      this.account,
      this.#authentication,
      onFlowChanged,
    );
    this.#subscriptions = new ClientSubscriptions(
      services,
      outbox,
      this.requests,
      this.memory,
      services.hub.subscribersOf(this.account, this),
    );
    this.#negentropy = new ClientNegentropy(services, outbox, this.requests, {
      address: group,
      memory: this.memory,
      takeRequest: () => this.#refusals.takeRequest(0),
    });
    this.#refusals = new MessageRefusals({
      clock: services.clock,
      account: this.account,
      outbox,
      publisher: this.#publisher,
      subscriptions: this.#subscriptions,
      negentropy: this.#negentropy,
      requests: this.requests,
      onTooMuch: () => {
        this[Symbol.dispose]();
        outbox.shutOut();
      },
    });
  }

  /** Whether the client should not be read for now. What it sent already is taken all the same. */
  get blocked(): boolean {
    return this.#publisher.blocked || this.requests.blocked || this.#intake.blocked;
  }

  /** Takes one frame. Never throws, whatever it contains. */
  receive(frame: string): void {
    if (!this.#ended) this.#intake.take(frame);
  }

  /** Refuses a message of that many bytes that is no text. */
  refuseBinary(bytes: number): void {
    if (!this.#ended) this.#refusals.binary(bytes);
  }

  /** Takes no more, closes what is open, and settles when the events in hand are answered. */
  async end(reason: string): Promise<void> {
    this.#ended = true;
    this.#gone.abort();
    this.#intake[Symbol.dispose]();
    this.requests[Symbol.dispose]();
    this.#subscriptions.closeAll(reason);
    this.#negentropy.closeAll(reason);
    await this.#publisher.settled();
  }

  /** The client is gone: gives back what it held. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#gone.abort();
    this.#intake[Symbol.dispose]();
    this.requests[Symbol.dispose]();
    this.#subscriptions[Symbol.dispose]();
    this.#negentropy[Symbol.dispose]();
    this.memory[Symbol.dispose]();
  }

  #dispatch(message: ClientMessage, chars: number, ms: number): void {
    if (this.#ended) return;
    switch (message.type) {
      case 'EVENT':
        if (!this.#publisher.publish(message.event, chars)) this.#refusals.overRate(ms);
        break;
      case 'REQ':
        this.#request('req', message, ms, () =>
          this.#subscriptions.open(message.subscription, message.filters, chars),
        );
        break;
      case 'CLOSE':
        if (!this.#subscriptions.close(message.subscription)) this.#noteUnknownClose(chars);
        break;
      case 'COUNT':
        this.#request('count', message, ms, () =>
          this.#enqueue(message, chars, requestBytes(message.filters, chars), () =>
            this.#answerCount(message),
          ),
        );
        break;
      case 'NEG-OPEN':
        this.#request('negentropy', message, ms, () =>
          this.#enqueue(message, chars, requestBytes([message.filter], chars), () =>
            this.#negentropy.open(message.subscription, message.filter, message.payload),
          ),
        );
        break;
      case 'NEG-MSG':
        this.#enqueue(message, chars, messageBytes(chars), () =>
          this.#negentropy.message(message.subscription, message.payload),
        );
        break;
      case 'NEG-CLOSE':
        // Behind the NEG-OPEN that may still wait for its turn.
        this.#enqueue(message, chars, messageBytes(chars), () =>
          this.#negentropy.close(message.subscription, () => this.#noteUnknownClose(chars)),
        );
        break;
      case 'AUTH':
        this.#authenticate(message.event, ms);
        break;
    }
  }

  /** To close what has ended already, as when both sides end it, is a request as any; nobody needs it without end. */
  #noteUnknownClose(chars: number): void {
    if (!this.#ended && this.account.takeRequest() !== undefined) this.#refusals.violation(chars, 0);
  }

  #authenticate(event: NostrEvent, ms: number): void {
    const refusal = this.#refusals.takeRequest(ms);
    if (refusal === undefined) void this.#authentication.authenticate(event);
    else this.#outbox.send(okFrame(event.id, false, refusal));
  }

  /** Counts a request, and takes it where the address has not asked for too much. */
  #request(type: RequestType, message: AboutSubscription, ms: number, take: () => void): void {
    this.#services.metrics.requests.inc({ type });
    const refusal = this.#refusals.takeRequest(ms);
    if (refusal === undefined) take();
    else if (!this.#ended) this.#refusals.aboutSubscription(message.type, message.subscription, refusal);
  }

  /** Has the work done in its turn; until it is done, `bytes` are counted for it. */
  #enqueue(
    { type, subscription }: AboutSubscription,
    chars: number,
    bytes: number,
    run: () => Promise<void> | void,
  ): void {
    const memory = this.memory.reserve(bytes);
    if (memory !== undefined) this.requests.push({ chars, run: () => this.#guard(run, memory) });
    else if (type === 'COUNT') this.#refusals.aboutSubscription(type, subscription, noRoom);
    else void this.#negentropy.fail(subscription, noRoom);
  }

  /** A request that fails does so for its client only. */
  #guard(run: () => Promise<void> | void, memory: Disposable): Promise<void> | void {
    const release = () => memory[Symbol.dispose]();
    try {
      const work = run()?.catch((error) => this.#onFailure(error));
      if (work !== undefined) return work.finally(release);
    } catch (error) {
      this.#onFailure(error);
    }
    release();
  }

  /** Answers what could not be read, or handled. */
  #refuseFrame(error: unknown, chars: number, ms: number): void {
    if (this.#ended) return;
    if (error instanceof InvalidMessageError) {
      this.#refusals.unreadable(error, chars, ms);
    } else {
      this.#onFailure(error);
    }
  }

  #onFailure(error: unknown): void {
    this.#services.faults.note('client', error);
    this.#outbox.send(noticeFrame('error: the message could not be handled'));
  }

  async #answerCount({
    subscription,
    filters,
  }: Extract<ClientMessage, { type: 'REQ' | 'COUNT' }>): Promise<void> {
    const { logger, store } = this.#services;
    try {
      using memory = new RequestMemory(this.memory);
      const count = await store.countInTurns(filters, this.#gone.signal, this.requests, memory);
      this.#outbox.send(countFrame(subscription, count));
    } catch (error) {
      if (this.#ended) return;
      const isRefused = error instanceof NoRoomError;
      if (!isRefused) logger.error({ reason: errorMessage(error) }, 'a count failed');
      this.#outbox.send(closedFrame(subscription, isRefused ? noRoom : 'error: the query failed'));
    }
  }
}
