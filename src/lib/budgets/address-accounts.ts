import type { Clock } from '../clock.js';
import { localAddressGroup } from './address-group.js';
import { RateLimit } from './rate-limit.js';
import { TokenBucket } from './token-bucket.js';
import { type ViolationLimits, Violations } from './violations.js';

/** What the clients of one address group may take together, asked for at each use; `undefined` is no limit. */
export type AddressLimits = {
  /** Connections that are open at the same time. */
  readonly connectionsMax: number | undefined;
  /** Requests: HTTP, REQ, COUNT and NEG-OPEN. */
  readonly requestsPerMinuteMax: number | undefined;
  /** Pushes of git. */
  readonly pushesPerMinuteMax: number | undefined;
  /** Events that are published, and the bytes of their messages. */
  readonly eventsPerMinuteMax: number | undefined;
  readonly eventBytesPerMinuteMax: number | undefined;
  /** Stored events of strangers that hang on nothing. */
  readonly strangerEventsPerDayMax: number | undefined;
  /** Calls of the relay's management without the right authorization. */
  readonly failedAuthorizationsPerMinuteMax: number | undefined;
  /** Bytes on the sockets, both ways. */
  readonly bytesPerMinuteMax: number | undefined;
  /** Messages that cannot be read, or are above a rate. */
  readonly violations: ViolationLimits | undefined;
};

const minutesPerDay = 24 * 60;

const unlimited: AddressLimits = {
  connectionsMax: undefined,
  requestsPerMinuteMax: undefined,
  pushesPerMinuteMax: undefined,
  eventsPerMinuteMax: undefined,
  eventBytesPerMinuteMax: undefined,
  strangerEventsPerDayMax: undefined,
  failedAuthorizationsPerMinuteMax: undefined,
  bytesPerMinuteMax: undefined,
  violations: undefined,
};

/** What the limits of one address are for. */
export const limitedThings = ['connection', 'request', 'push', 'event', 'delivery', 'authorization'] as const;

/** What a limit of one address was met by. */
export type LimitedThing = (typeof limitedThings)[number];

/**
 * What each address group (`lib/budgets/address-group.ts`) has taken. Groups of which nothing is open and nothing was taken
 * lately are forgotten; at most `groupsMax` are remembered beside those that are connected.
 */
export class AddressAccounts {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limits: AddressLimits;
  readonly #groupsMax: number;
  /** Those that were used last come last. */
  readonly #accounts = new Map<string, AddressAccount>();
  readonly #refusals = new Map<LimitedThing, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, limits: AddressLimits, groupsMax: number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#groupsMax = groupsMax;
  }

  /** How often something was refused. */
  get refusals(): ReadonlyMap<LimitedThing, number> {
    return this.#refusals;
  }

  /** The number of groups that are remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  /** The account of a group; whoever is on this machine shares one without limits. */
  of(group: string): AddressAccount {
    let account = this.#accounts.get(group);
    if (account === undefined) {
      this.#forgetSome();
      const limits = group === localAddressGroup ? unlimited : this.#limits;
      account = new AddressAccount(group, this.#clock, limits, (thing) => this.#count(thing));
    } else {
      this.#accounts.delete(group);
    }
    this.#accounts.set(group, account);
    return account;
  }

  #count(thing: LimitedThing): void {
    this.#refusals.set(thing, (this.#refusals.get(thing) ?? 0) + 1);
  }

  /** Looks at the two that were used longest ago, for one that is added. */
  #forgetSome(): void {
    for (let looks = 0; looks < 2; looks += 1) {
      const [oldest] = this.#accounts;
      if (oldest === undefined) return;
      const [group, account] = oldest;
      const isFull = this.#accounts.size >= this.#groupsMax;
      this.#accounts.delete(group);
      if (!account.isIdle && (account.isConnected || !isFull)) this.#accounts.set(group, account);
    }
  }
}

/** The account of one address group. What is refused comes with a reason for the client, `rate-limited:` and what to do. */
export class AddressAccount {
  readonly group: string;
  readonly #limits: AddressLimits;
  readonly #onRefused: (thing: LimitedThing) => void;
  readonly #requests: RateLimit;
  readonly #pushes: RateLimit;
  readonly #events: RateLimit;
  readonly #eventBytes: RateLimit;
  readonly #strangerEvents: TokenBucket | undefined;
  readonly #failedAuthorizations: RateLimit;
  readonly #bytes: RateLimit;
  readonly #violations: Violations | undefined;
  #connections = 0;

  constructor(
    group: string,
    clock: Pick<Clock, 'monotonic'>,
    limits: AddressLimits,
    onRefused: (thing: LimitedThing) => void,
  ) {
    this.group = group;
    this.#limits = limits;
    this.#onRefused = onRefused;
    this.#requests = new RateLimit(clock, () => limits.requestsPerMinuteMax);
    this.#pushes = new RateLimit(clock, () => limits.pushesPerMinuteMax);
    this.#events = new RateLimit(clock, () => limits.eventsPerMinuteMax);
    this.#eventBytes = new RateLimit(clock, () => limits.eventBytesPerMinuteMax);
    this.#failedAuthorizations = new RateLimit(clock, () => limits.failedAuthorizationsPerMinuteMax);
    this.#bytes = new RateLimit(clock, () => limits.bytesPerMinuteMax);
    const perDay = limits.strangerEventsPerDayMax;
    if (limits.violations !== undefined) this.#violations = new Violations(clock, limits.violations);
    if (perDay !== undefined) this.#strangerEvents = new TokenBucket(clock, perDay / minutesPerDay, perDay);
  }

  get isConnected(): boolean {
    return this.#connections > 0;
  }

  /** Whether a new account would be the same. */
  get isIdle(): boolean {
    const buckets = [
      this.#requests,
      this.#pushes,
      this.#events,
      this.#eventBytes,
      this.#strangerEvents,
      this.#failedAuthorizations,
      this.#bytes,
    ];
    const isFull = buckets.every((bucket) => bucket?.isFull ?? true);
    return !this.isConnected && isFull && (this.#violations?.areForgotten ?? true);
  }

  /** Counts a connection until `closeConnection`, or says why not. */
  openConnection(): string | undefined {
    const { connectionsMax } = this.#limits;
    if (this.#connections >= (connectionsMax ?? Number.POSITIVE_INFINITY)) {
      return this.#refuse(
        'connection',
        `at most ${connectionsMax} connections from one address; close others first`,
      );
    }
    this.#connections += 1;
    return undefined;
  }

  closeConnection(): void {
    this.#connections -= 1;
  }

  /** Counts a request, or says why not. */
  takeRequest(): string | undefined {
    if (this.#requests.take()) return this.#refuseForBytes('request');
    const { requestsPerMinuteMax } = this.#limits;
    return this.#refuse(
      'request',
      `at most ${requestsPerMinuteMax} requests a minute from one address; wait a minute`,
    );
  }

  /** Counts a push of git, or says why not. */
  takePush(): string | undefined {
    if (this.#pushes.take()) return undefined;
    const { pushesPerMinuteMax } = this.#limits;
    return this.#refuse(
      'push',
      `at most ${pushesPerMinuteMax} pushes a minute from one address; wait a minute`,
    );
  }

  /** Counts an event in a message of that many bytes, or says why not. */
  takeEvent(bytes: number): string | undefined {
    const { eventsPerMinuteMax, eventBytesPerMinuteMax } = this.#limits;
    if (!this.#events.take()) {
      return this.#refuse(
        'event',
        `at most ${eventsPerMinuteMax} events a minute from one address; wait a minute`,
      );
    }
    if (!this.#eventBytes.hasOne) {
      return this.#refuse(
        'event',
        `at most ${eventBytesPerMinuteMax} bytes of events a minute from one address; wait a minute`,
      );
    }
    this.#eventBytes.spend(bytes);
    return this.#refuseForBytes('event');
  }

  /** Why it may not be sent a live event now. */
  takeDelivery(): string | undefined {
    return this.#refuseForBytes('delivery');
  }

  /** Counts an event of a stranger that would be stored without hanging on anything, or says why not. */
  takeStrangerEvent(): string | undefined {
    if (this.#strangerEvents?.take() !== false) return undefined;
    const { strangerEventsPerDayMax } = this.#limits;
    return this.#refuse(
      'event',
      `at most ${strangerEventsPerDayMax} deletions and lists of strangers a day from one address; try again tomorrow`,
    );
  }

  /** Why no authorization is looked at now. */
  authorizationRefusal(): string | undefined {
    if (this.#failedAuthorizations.hasOne) return undefined;
    return this.#refuse('authorization', 'too many calls without the right authorization; wait a minute');
  }

  /** Counts one that was not right. */
  authorizationFailed(): void {
    this.#failedAuthorizations.spend(1);
  }

  /**
   * Notes a message that cannot be read, as `Violations.note`: who is shut out for them and comes again goes on where it was.
   */
  noteViolation(bytes: number, ms: number): boolean {
    return this.#violations?.note(bytes, ms) ?? false;
  }

  /** Notes a message above a rate, as `Violations.noteRefusal`. */
  noteRefusal(ms: number): boolean {
    return this.#violations?.noteRefusal(ms) ?? false;
  }

  /** Whether so much came that cannot be read, or above the rates, that nothing more is, for as long as it takes to be made up for. */
  get isShutOut(): boolean {
    return this.#violations?.areTooMany ?? false;
  }

  /** Counts bytes that went over a socket. */
  addBytes(bytes: number): void {
    this.#bytes.spend(bytes);
  }

  #refuseForBytes(thing: LimitedThing): string | undefined {
    if (this.#bytes.hasOne) return undefined;
    return this.#refuse(
      thing,
      `at most ${this.#limits.bytesPerMinuteMax} bytes a minute for one address; wait a minute`,
    );
  }

  #refuse(thing: LimitedThing, reason: string): string {
    this.#onRefused(thing);
    return `rate-limited: ${reason}`;
  }
}
