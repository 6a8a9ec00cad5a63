import type { Verifier } from '../../../src/admission/verification/verifier.js';
import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import type { Clock } from '../../../src/lib/clock.js';
import { seededRandom } from '../../../src/lib/random.js';
import { eventJson, type NostrEvent } from '../../../src/nostr/event.js';
import { hostingRules } from '../../support/hosting-rules.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { BackoffCheck } from '../checks/backoff-check.js';
import { exceededLimits } from '../checks/limits-check.js';
import { checkedClock } from '../checks/timer-check.js';
import { Disk } from '../daemon/disk.js';
import { createFakeVerifier } from '../daemon/fake-verifier.js';
import { DaemonProcess } from '../daemon/process.js';
import { tripping } from '../daemon/tripping.js';
import { type NetworkFaults, noFaults, SimNetwork } from '../network/network.js';
import type { LinkSpeed } from '../network/pipe.js';
import type { Trace } from '../trace.js';
import { RelaySide } from './relay-side.js';
import { RingClient } from './ring-client.js';
import type { RingScenario, Way } from './ring-scenario.js';

/** The name of the member at a place of the ring. */
const domainOf = (place: number) => `member-${place}.example`;

const urlOf = (place: number) => `wss://${domainOf(place)}`;

const lossyLinks: NetworkFaults = { lossChance: 0.3, lossBytesMax: 300_000, silentLossChance: 0.3 };

/** A way out of a member, whose speed can be changed while it is used. */
type Link = {
  readonly to: number;
  readonly usual: LinkSpeed;
  readonly speed: { -readonly [K in keyof LinkSpeed]: LinkSpeed[K] };
};

export type MemberParts = {
  readonly place: number;
  readonly scenario: RingScenario;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly report: (what: string) => void;
};

/** One of our daemons in the ring: its process, its relay, a client beside it, and its ways to its two neighbours. */
export class Member {
  readonly place: number;
  readonly process: DaemonProcess;
  readonly relay: RelaySide;
  readonly client: RingClient;
  readonly network: SimNetwork;
  /** How often admission had each event's signature checked. */
  readonly verified = new Map<string, number>();
  readonly #links: readonly Link[];
  readonly #report: (what: string) => void;

  constructor({ place, scenario, clock, trace, report }: MemberParts) {
    this.place = place;
    const own: Trace = (text) => trace(() => `member ${place}: ${text()}`);
    const { settings, ways } = scenario;
    this.#report = (what) => report(`member ${place}: ${what}`);
    const seed = scenario.seed * scenario.members + place;
    const backoff = new BackoffCheck({ ...settings, bootstrapRelays: [] }, this.#report);
    this.network = new SimNetwork(clock, seededRandom(seed), own, (dial) => backoff.onDial(dial));
    this.#links = ways
      .filter(({ from }) => from === place)
      .map(({ to, speed }) => ({ to, usual: speed, speed: { ...speed } }));
    const ownClock: Clock = checkedClock(clock.unruly(seededRandom(seed)), this.#report);
    this.process = new DaemonProcess({
      clock: ownClock,
      random: seededRandom(seed + 1),
      network: this.network,
      disk: new Disk('sync'),
      kernels: createReferenceKernels(),
      settings: { ...settings, bootstrapRelays: this.#links.map(({ to }) => urlOf(to)) },
      rules: { ...hostingRules(domainOf(place)), archiveAll: true },
      verifier: this.#countingVerifier(),
      identity: undefined,
      logger: loggerTo(own),
      refusedIdsMax: 100_000,
      hotCacheDurationMs: 120_000,
      tripping: tripping(0),
      onFault: (error) => this.#report(error instanceof Error ? `${error.stack}` : String(error)),
    });
    this.process.admission.feed.onAccepted(({ event, source }) =>
      own(() => `stored ${eventJson(event)} (${source.type})`),
    );
    this.relay = new RelaySide({
      url: urlOf(place),
      process: this.process,
      kernels: createReferenceKernels(),
      report,
    });
    this.client = new RingClient(this.relay, report);
  }

  /** Starts it, with all members there for it to dial. */
  start(members: readonly Member[]): void {
    for (const { to, speed } of this.#links) this.network.add((members[to] as Member).relay, speed);
    this.network.faults = lossyLinks;
    this.process.start();
  }

  /** Whether it has one connection to each neighbour, and one from each. */
  get isWhole(): boolean {
    const isOneEach = this.#links.every(({ to }) => this.network.openConnections(urlOf(to)) === 1);
    return isOneEach && this.relay.connections === 1 + this.#links.length;
  }

  /** Ends its connections to that neighbour; `silently` leaves it with half-open ones. */
  cut({ to }: Pick<Way, 'to'>, silently: boolean): void {
    this.network.loseConnections(urlOf(to), silently);
  }

  /** Whether the neighbour can be reached, and how not. */
  reach({ to }: Pick<Way, 'to'>, as: 'up' | 'refused' | 'black-hole'): void {
    this.network.setReachability(urlOf(to), as);
  }

  /** Makes the way slower by that; 0 makes it what it was. */
  slow({ to }: Pick<Way, 'to'>, byMs: number): void {
    for (const link of this.#links) if (link.to === to) link.speed.latencyMs = link.usual.latencyMs + byMs;
  }

  /** Ends all faults of its ways but those of who cannot be reached. */
  heal(): void {
    for (const { to } of this.#links) this.slow({ to }, 0);
    this.network.faults = noFaults;
    this.network.spareConnections();
  }

  /** What waits in memory beyond its limits. */
  async exceededLimits(): Promise<string[]> {
    return await exceededLimits(this.process.registry, this.#links.length);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.process.stop();
    this.relay[Symbol.dispose]();
  }

  #countingVerifier(): Verifier {
    const verifier = createFakeVerifier();
    return {
      ...verifier,
      verify: (events: readonly NostrEvent[]) => {
        for (const { id } of events) this.verified.set(id, (this.verified.get(id) ?? 0) + 1);
        return verifier.verify(events);
      },
    };
  }
}

function loggerTo(trace: Trace) {
  const line = (level: string) => (details: object, message: string) => {
    trace(() => `${level}: ${message} ${JSON.stringify(details)}`);
  };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
