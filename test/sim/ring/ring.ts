import { minuteMs, secondMs, unixSeconds } from '../../../src/lib/clock.js';
import { seededRandom } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';
import { Departures } from '../oracle/completeness.js';
import { describe } from '../relay/remote-relay.js';
import { silent, type Trace, traceTo } from '../trace.js';
import { Authors } from './authors.js';
import { Member } from './member.js';
import type { RingIncident, RingScenario } from './ring-scenario.js';

/** How a ring went: what was found wrong, each told once, and some figures. */
export type RingOutcome = {
  readonly seed: number;
  readonly failures: readonly string[];
  /** Events that clients were told to be stored. */
  readonly acknowledged: number;
  readonly partitions: number;
  readonly dials: number;
  /** Milliseconds from the end of the last partition until every connection was back; undefined when it never came. */
  readonly wholeAfterMs: number | undefined;
  /** The same until all had the same events. */
  readonly equalAfterMs: number | undefined;
};

const failuresMax = 20;
/** What questions and answers may take on the slowest ways, from one end of the ring to the other. */
const spreadMsMax = 2 * minuteMs;

/**
 * Runs a ring to its end. The same scenario does the same each time. `write` is told what happens, a line each; rejects
 * with the reason of `signal`.
 */
export function simulateRing(
  scenario: RingScenario,
  write?: (line: string) => void,
  signal?: AbortSignal,
): Promise<RingOutcome> {
  return new Ring(scenario, write).run(signal);
}

class Ring {
  readonly #scenario: RingScenario;
  readonly #clock: VirtualClock;
  readonly #trace: Trace;
  readonly #members: readonly Member[];
  readonly #authors: Authors;
  readonly #failures = new Set<string>();

  constructor(scenario: RingScenario, write: ((line: string) => void) | undefined) {
    this.#scenario = scenario;
    const clock = new VirtualClock(scenario.startMs);
    this.#clock = clock;
    const trace = write === undefined ? silent : traceTo(clock, write);
    this.#trace = trace;
    const report = (what: string) => this.#report(what);
    this.#authors = new Authors(seededRandom(scenario.authorsSeed));
    this.#members = Array.from(
      { length: scenario.members },
      (_, place) => new Member({ place, scenario, clock, trace, report }),
    );
  }

  async run(signal: AbortSignal | undefined): Promise<RingOutcome> {
    const { seed, incidents, faultMs } = this.#scenario;
    for (const incident of incidents) this.#clock.after(incident.atMs, () => this.#happen(incident));
    for (const member of this.#members) member.start(this.#members);
    for (let passed = 0; passed < faultMs; passed += minuteMs) {
      signal?.throwIfAborted();
      await this.#clock.advance(Math.min(minuteMs, faultMs - passed));
      for (const member of this.#members) await member.checkLimits();
    }
    this.#heal();
    const wholeAfterMs = await this.#waitUntilWhole();
    const equalAfterMs = await this.#waitUntilEqual();
    await this.#checkEvents();
    await this.#close();
    return {
      seed,
      failures: [...this.#failures],
      acknowledged: this.#acknowledged.length,
      partitions: incidents.filter(({ type }) => type === 'partition').length,
      dials: this.#members.reduce((sum, { network }) => sum + network.dials.length, 0),
      wholeAfterMs,
      equalAfterMs,
    };
  }

  get #acknowledged(): NostrEvent[] {
    return this.#members.flatMap(({ acknowledged }) => acknowledged);
  }

  #happen(incident: RingIncident): void {
    if (incident.type !== 'publish') this.#trace(() => `incident: ${JSON.stringify(incident)}`);
    switch (incident.type) {
      case 'publish':
        this.#publish(this.#at(incident.member));
        return;
      case 'crash': {
        const member = this.#at(incident.member);
        if (!member.isAlive) return;
        member.kill(incident.silently);
        this.#clock.after(incident.downMs, () => member.startAgain());
        return;
      }
      case 'partition':
        this.#part(incident);
        return;
      case 'cut':
        this.#at(incident.way.from).cut(this.#at(incident.way.to), incident.silently);
        return;
      case 'stall': {
        const [from, to] = [this.#at(incident.way.from), this.#at(incident.way.to)];
        from.slow(to, incident.byMs);
        this.#clock.after(incident.forMs, () => from.slow(to, 0));
      }
    }
  }

  #publish({ isAlive, life: { client, process } }: Member): void {
    if (!isAlive) return;
    client.publish(this.#authors.next(unixSeconds(this.#clock), ({ id }) => process.store.has(id)));
  }

  /** Parts the ring in two: while the partition lasts nothing gets from one part to the other. */
  #part({ first, count, silently, forMs }: Extract<RingIncident, { type: 'partition' }>): void {
    const { members, ways } = this.#scenario;
    const isInside = (place: number) => (place - first + members) % members < count;
    for (const { from, to } of ways) {
      if (isInside(from) === isInside(to)) continue;
      const [member, neighbour] = [this.#at(from), this.#at(to)];
      member.part(neighbour, silently);
      this.#clock.after(forMs, () => member.join(neighbour));
    }
  }

  /** From here on every way is as it should be, though some are slow, and every member is there. */
  #heal(): void {
    this.#trace(() => 'the last partition ends');
    for (const member of this.#members) {
      member.heal();
      member.startAgain();
    }
  }

  /**
   * At the latest when each had its next whole catch-up. Silence is noticed and the longest wait between two dials over before
   * that; but over a link of 2 kB a second requests have no answer in time while what piled up goes first, and the connection
   * is given up for that and made again.
   */
  async #waitUntilWhole(): Promise<number | undefined> {
    const isWhole = () => this.#members.every((member) => member.isWhole);
    const withinMs = this.#scenario.settings.dailyIntervalMs + spreadMsMax;
    if (await this.#clock.advanceUntil(isWhole, withinMs)) return this.#sinceFaultsMs;
    this.#report(`connections are left over or lack ${withinMs} ms after the last partition`);
    return undefined;
  }

  /** With all connections back, at the latest when each had its next whole catch-up. */
  async #waitUntilEqual(): Promise<number | undefined> {
    const withinMs = this.#scenario.settings.dailyIntervalMs + spreadMsMax;
    for (let passed = 0; !this.#isEqual(); passed += secondMs) {
      if (passed >= withinMs) {
        this.#report(`not all have the same events ${withinMs} ms after all connections were back`);
        return undefined;
      }
      await this.#clock.advance(secondMs);
    }
    return this.#sinceFaultsMs;
  }

  get #sinceFaultsMs(): number {
    return Math.round(this.#clock.monotonic() - this.#scenario.faultMs);
  }

  #isEqual(): boolean {
    const ids = this.#at(0).life.process.store.ids({});
    return this.#members.every(
      ({
        life: {
          process: { store },
        },
      }) => store.size === ids.length && ids.every((id) => store.has(id)),
    );
  }

  /** What clients were told to be stored is there, and all that they published was answered. */
  async #checkEvents(): Promise<void> {
    const stored: NostrEvent[] = [];
    for await (const chunk of this.#at(0).life.process.store.query([{}]))
      for (const { event } of chunk) stored.push(event);
    const ids = new Set(stored.map(({ id }) => id));
    const departures = new Departures(stored);
    for (const event of this.#acknowledged) {
      if (ids.has(event.id) || departures.explain(event, unixSeconds(this.#clock))) continue;
      this.#report(`lost ${describe(event)}, which was acknowledged`);
    }
    for (const { life } of this.#members) {
      const { unanswered } = life.client;
      if (unanswered > 0) this.#report(`${life.relay.url} left ${unanswered} events unanswered`);
    }
  }

  /** The end of the members must leave nothing behind. */
  async #close(): Promise<void> {
    let stopped = 0;
    for (const member of this.#members) {
      member.life.stop().then(
        () => {
          stopped += 1;
        },
        (error) => this.#report(`a stop failed: ${String(error)}`),
      );
    }
    await this.#clock.advance(10 * secondMs);
    if (stopped < this.#members.length) this.#report('not all members stop within 10 s');
    await settle();
  }

  #at(place: number): Member {
    return this.#members[place] as Member;
  }

  #report(what: string): void {
    this.#trace(() => `FAILURE ${what}`);
    if (this.#failures.size < failuresMax) this.#failures.add(what);
  }
}
