import { type Random, seededRandom } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { hostingRules } from '../../support/hosting-rules.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { BackoffCheck } from '../checks/backoff-check.js';
import { exceededLimits } from '../checks/limits-check.js';
import { checkedClock } from '../checks/timer-check.js';
import { Disk } from '../daemon/disk.js';
import { type Host, type NetworkFaults, noFaults, SimNetwork } from '../network/network.js';
import type { LinkSpeed } from '../network/pipe.js';
import { fork } from '../random.js';
import { describe } from '../relay/remote-relay.js';
import type { Trace } from '../trace.js';
import { MemberLife } from './member-life.js';
import type { RingScenario } from './ring-scenario.js';

/** The name of the member at a place of the ring. */
const domainOf = (place: number) => `member-${place}.example`;

const urlOf = (place: number) => `wss://${domainOf(place)}`;

const lossyLinks: NetworkFaults = { lossChance: 0.3, lossBytesMax: 300_000, silentLossChance: 0.3 };

/** A way to a neighbour, as it is just now. */
type Link = {
  readonly to: Member;
  readonly usual: LinkSpeed;
  readonly speed: { -readonly [K in keyof LinkSpeed]: LinkSpeed[K] };
  /** How a partition shows itself to who dials; `undefined` while there is none. */
  parted: 'refused' | 'black-hole' | undefined;
};

export type MemberParts = {
  readonly place: number;
  readonly scenario: RingScenario;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly report: (what: string) => void;
};

/** One of our daemons in the ring: its processes, one after the other, on one disk, and its ways to its two neighbours. */
export class Member {
  readonly network: SimNetwork;
  /** What its clients were told to be stored. */
  readonly acknowledged: NostrEvent[] = [];
  readonly #parts: MemberParts;
  readonly #random: Random;
  readonly #disk = new Disk('sync');
  readonly #report: (what: string) => void;
  readonly #trace: Trace;
  #links: readonly Link[] = [];
  #life: MemberLife;

  constructor(parts: MemberParts) {
    const { place, scenario, clock, trace, report } = parts;
    this.#parts = parts;
    this.#random = seededRandom(scenario.seed * scenario.members + place);
    this.#report = (what) => report(`member ${place}: ${what}`);
    this.#trace = (text) => trace(() => `member ${place}: ${text()}`);
    const backoff = new BackoffCheck({ ...scenario.settings, bootstrapRelays: [] }, this.#report);
    this.network = new SimNetwork(clock, fork(this.#random), this.#trace, (dial) => backoff.onDial(dial));
    this.network.faults = lossyLinks;
    this.#life = this.#createLife();
  }

  get life(): MemberLife {
    return this.#life;
  }

  get isAlive(): boolean {
    return this.#life.process.alive;
  }

  /** Starts it, with all members there for it to dial. */
  start(members: readonly Member[]): void {
    const { place, scenario } = this.#parts;
    this.#links = scenario.ways
      .filter(({ from }) => from === place)
      .map(({ to, speed }) => ({
        to: members[to] as Member,
        usual: speed,
        speed: { ...speed },
        parted: undefined,
      }));
    for (const { to, speed } of this.#links) this.network.add(to.#host, speed);
    this.#life.process.start();
  }

  /** Ends as `kill -9` does, or with its machine, where that is `silently`. */
  kill(silently: boolean): void {
    this.#life.kill();
    const onDisk = new Set(this.#disk.everStored.map(({ id }) => id));
    for (const event of this.acknowledged)
      if (!onDisk.has(event.id)) this.#report(`lost ${describe(event)}, which was acknowledged`);
    for (const { to } of this.#links) to.#lose(this, silently);
  }

  startAgain(): void {
    if (this.isAlive) return;
    this.#life = this.#createLife();
    for (const { to } of this.#links) to.#reach(this);
    this.#life.process.start();
  }

  /** Whether it has one connection to each neighbour, and one from each. */
  get isWhole(): boolean {
    const isOneEach = this.#links.every(({ to }) => this.network.openConnections(to.#url) === 1);
    return isOneEach && this.#life.relay.connections === 1 + this.#links.length;
  }

  /** Ends its connections to that neighbour; `silently` leaves it with half-open ones. */
  cut(to: Member, silently: boolean): void {
    this.network.loseConnections(to.#url, silently);
  }

  /** Keeps it from that neighbour until `join`. `silently`: neither is told, and dials are not answered. */
  part(to: Member, silently: boolean): void {
    this.#linkTo(to).parted = silently ? 'black-hole' : 'refused';
    this.#lose(to, silently);
  }

  join(to: Member): void {
    this.#linkTo(to).parted = undefined;
    this.#reach(to);
  }

  /** Makes the way slower by that; 0 makes it what it was. */
  slow(to: Member, byMs: number): void {
    const { speed, usual } = this.#linkTo(to);
    speed.latencyMs = usual.latencyMs + byMs;
  }

  /** From here on its ways are as they should be, though some are slow. */
  heal(): void {
    for (const { to } of this.#links) {
      this.join(to);
      this.slow(to, 0);
    }
    this.network.faults = noFaults;
    this.network.spareConnections();
  }

  /** Looks at what waits in memory. */
  async checkLimits(): Promise<void> {
    if (!this.isAlive) return;
    const excesses = await exceededLimits(this.#life.process.registry, this.#links.length);
    for (const excess of excesses) this.#report(excess);
  }

  get #url(): string {
    return urlOf(this.#parts.place);
  }

  /** Whichever process of it lives. */
  get #host(): Host {
    return {
      url: this.#url,
      accept: (peer) => this.#life.relay.accept(peer),
      information: () => this.#life.relay.information(),
    };
  }

  #lose(to: Member, silently: boolean): void {
    this.#reach(to);
    this.cut(to, silently);
  }

  #reach(to: Member): void {
    const { parted } = this.#linkTo(to);
    this.network.setReachability(to.#url, parted ?? (to.isAlive ? 'up' : 'refused'));
  }

  #linkTo(to: Member): Link {
    return this.#links.find((link) => link.to === to) as Link;
  }

  #createLife(): MemberLife {
    const { place, scenario, clock } = this.#parts;
    const neighbours = scenario.ways.filter(({ from }) => from === place);
    return new MemberLife({
      url: this.#url,
      clock: checkedClock(clock.unruly(fork(this.#random)), this.#report),
      random: fork(this.#random),
      network: this.network,
      disk: this.#disk,
      settings: { ...scenario.settings, bootstrapRelays: neighbours.map(({ to }) => urlOf(to)) },
      rules: { ...hostingRules(domainOf(place)), archiveAll: true },
      trace: this.#trace,
      report: this.#report,
      onAcknowledged: (event) => this.acknowledged.push(event),
    });
  }
}
