import type { Logger } from 'pino';
import type { Admission, AdmissionOutcome } from '../../admission/admission.js';
import { AdmissionClosedError } from '../../admission/errors.js';
import { noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { AddressAccount } from '../../lib/budgets/address-accounts.js';
import type { MemoryHolder, Reservation } from '../../lib/budgets/memory-budget.js';
import { RateLimit } from '../../lib/budgets/rate-limit.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { indexedTagCount, type NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import { protectingAuthor } from '../../nostr/protected.js';
import { okFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import { publishedBytes } from '../held-bytes.js';
import type { PublishOutcome, RelayMetrics } from '../relay-metrics.js';
import type { ClientAuthentication } from './client-authentication.js';

export type PublisherServices = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly settings: PublisherLimits;
};

export type PublisherLimits = {
  readonly eventsPerMinuteMax: number | undefined;
  readonly eventsInFlightMax: number;
  readonly eventsInFlightBytesMax: number;
};

/** The events that one client publishes: several at once on their way through admission, each answered with OK. */
export class Publisher {
  readonly #services: PublisherServices;
  readonly #outbox: Outbox;
  readonly #memory: MemoryHolder;
  readonly #account: AddressAccount;
  readonly #authentication: ClientAuthentication;
  readonly #onFlowChanged: () => void;
  readonly #rate: RateLimit;
  readonly #inFlight = new Set<Promise<void>>();
  #inFlightBytes = 0;
  #waitsForRoom = false;

  constructor(
    services: PublisherServices,
    outbox: Outbox,
    memory: MemoryHolder,
    account: AddressAccount,
    authentication: ClientAuthentication,
    onFlowChanged: () => void,
  ) {
    this.#services = services;
    this.#account = account;
    this.#authentication = authentication;
    this.#outbox = outbox;
    this.#memory = memory;
    this.#onFlowChanged = onFlowChanged;
    this.#rate = new RateLimit(services.clock, () => services.settings.eventsPerMinuteMax);
  }

  /** Whether so much is on its way, here or in admission, that the client should not be read. */
  get blocked(): boolean {
    const { eventsInFlightMax, eventsInFlightBytesMax } = this.#services.settings;
    return (
      this.#waitsForRoom ||
      this.#inFlight.size >= eventsInFlightMax ||
      this.#inFlightBytes >= eventsInFlightBytesMax
    );
  }

  /** Takes an event; `bytes` is what its message held. The answer follows. Whether it was within the rates. */
  publish(event: NostrEvent, bytes: number): boolean {
    const limited = this.#takeFromRates(Math.max(bytes, publishingBytes(event)));
    if (limited === undefined) this.#publish(event, bytes);
    else this.#answer(event.id, 'rate_limited', false, limited);
    return limited === undefined;
  }

  /** Refuses an event that could not be read; it counts against the rate all the same. */
  refuse(eventId: string, reason: string, bytes: number): void {
    this.#takeFromRates(bytes);
    this.#answer(eventId, 'invalid', false, reason);
  }

  /** Settles when all events that were taken are answered. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#inFlight]);
  }

  /** Counts an event, of so many bytes, for the client and its address; why it is too much, if it is. */
  #takeFromRates(bytes: number): string | undefined {
    if (this.#rate.take()) return this.#account.takeEvent(bytes);
    const { eventsPerMinuteMax } = this.#services.settings;
    return `rate-limited: at most ${eventsPerMinuteMax} events a minute; wait a minute`;
  }

  #publish(event: NostrEvent, bytes: number): void {
    if (event.kind === kinds.clientAuthentication) {
      this.#answer(event.id, 'invalid', false, 'invalid: an authentication event is not published');
      return;
    }
    const author = protectingAuthor(event);
    const refusal = author === undefined ? undefined : this.#authentication.refusalFor(author);
    if (refusal !== undefined) {
      this.#answer(event.id, 'refused', false, refusal);
      return;
    }
    const memory = this.#memory.pass(publishedBytes(event, bytes));
    if (memory !== undefined) this.#take(event, bytes, memory);
    else this.#answer(event.id, 'rate_limited', false, 'rate-limited: there is no memory for more events');
  }

  #take(event: NostrEvent, bytes: number, memory: Reservation): void {
    this.#inFlightBytes += bytes;
    const work = this.#submit(event).finally(() => {
      this.#inFlight.delete(work);
      this.#inFlightBytes -= bytes;
      memory[Symbol.dispose]();
      this.#onFlowChanged();
    });
    this.#inFlight.add(work);
    noteUse('clientEventsInFlightMax', this.#inFlight.size);
    noteUse('clientEventsInFlightBytesMax', this.#inFlightBytes);
    // Only where there is none: who waits is not read, and for a moment too the rest of what came would wait for another turn.
    const { admission } = this.#services;
    if (!this.#waitsForRoom && !admission.hasCapacity('direct')) void this.#waitForRoom();
    this.#onFlowChanged();
  }

  async #submit(event: NostrEvent): Promise<void> {
    try {
      const outcome = await this.#services.admission.submit(event, {
        type: 'direct',
        address: this.#account,
      });
      const [accepted, reason] = okOf(outcome);
      this.#answer(event.id, outcome.type, accepted, reason);
    } catch (error) {
      // What an orderly end cuts off is no fault; its client is told all the same.
      const level = error instanceof AdmissionClosedError ? 'debug' : 'error';
      this.#services.logger[level]({ id: event.id, reason: errorMessage(error) }, 'an event was not stored');
      this.#answer(event.id, 'failed', false, 'error: the event could not be stored');
    }
  }

  async #waitForRoom(): Promise<void> {
    this.#waitsForRoom = true;
    try {
      await this.#services.admission.waitForCapacity('direct');
    } catch {
      // Admission takes nothing more; the events in flight are told so one by one.
    }
    this.#waitsForRoom = false;
    this.#onFlowChanged();
  }

  #answer(eventId: string, outcome: PublishOutcome, accepted: boolean, reason: string): void {
    this.#services.metrics.events.inc({ outcome });
    this.#outbox.send(okFrame(eventId, accepted, reason));
  }
}

/** What its tags count for. */
function publishingBytes(event: NostrEvent): number {
  return indexedTagCount(event) * limits.addressEventBytesPerIndexedTag;
}

function okOf(outcome: AdmissionOutcome): [accepted: boolean, reason: string] {
  switch (outcome.type) {
    case 'stored':
    case 'ephemeral':
      return [true, ''];
    case 'known':
    case 'held':
      return [true, outcome.reason];
    case 'superseded':
    case 'refused':
    case 'failed':
      return [false, outcome.reason];
  }
}
