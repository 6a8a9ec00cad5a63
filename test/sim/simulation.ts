import type { Kernels } from '../../src/kernels/kernels.js';
import { seededRandom } from '../../src/lib/random.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { Identity } from '../../src/nostr/keys.js';
import type { SyncLogger } from '../../src/sync/report/logger.js';
import { hostingRules } from '../support/hosting-rules.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { BackoffCheck } from './checks/backoff-check.js';
import { CrowdCheck } from './checks/crowd-check.js';
import { exceededLimits } from './checks/limits-check.js';
import { compareMetrics } from './checks/metrics-check.js';
import { StoreCheck } from './checks/store-check.js';
import { checkedClock } from './checks/timer-check.js';
import { Disk } from './daemon/disk.js';
import { createFakeVerifier } from './daemon/fake-verifier.js';
import { DaemonProcess } from './daemon/process.js';
import { type Tripping, tripping } from './daemon/tripping.js';
import { type DialRecord, noFaults, SimNetwork } from './network/network.js';
import { findMissing, type Missing } from './oracle/completeness.js';
import { readAnnouncement } from './oracle/kept-events.js';
import { acceptableInSomeOrder, type Names } from './oracle/policy-model.js';
import { fork } from './random.js';
import type { Behaviour } from './relay/behaviour.js';
import { publishesLimits } from './relay/behaviours/caps.js';
import { supportsGrasp } from './relay/behaviours/grasp.js';
import { isWordy } from './relay/behaviours/manners.js';
import { drawBehaviours, type Surroundings } from './relay/field-guide.js';
import { describe, RemoteRelay } from './relay/remote-relay.js';
import type { Incident, Scenario } from './scenario.js';
import { silent, type Trace, traceTo } from './trace.js';
import { isOfCrowd, ownDomain } from './world/cast.js';
import { names as namesOf } from './world/names.js';

/** How a seed went: what was found wrong, each told once, and some figures. */
export type Outcome = {
  readonly seed: number;
  readonly failures: readonly string[];
  readonly storedEvents: number;
  readonly acceptableEvents: number;
  readonly dials: number;
  /** Virtual time from the start until nothing was missing any more; undefined when it never came. */
  readonly completeAfterMs: number | undefined;
};

const hourMs = 3_600_000;
const failuresMax = 20;
/** A step of the quiet time after which the world is looked at. */
const lookEveryMs = 2 * hourMs;
/** Dials of one relay between two looks of the quiet time: a backoff from 5 s to its end takes fewer. */
const quietDialsMax = 40;

/** Runs a scenario to its end. The same scenario does the same each time. */
export function simulate(
  scenario: Scenario,
  kernels: Kernels,
  write?: (line: string) => void,
): Promise<Outcome> {
  return new Simulation(scenario, kernels, write).run();
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #kernels: Kernels;
  readonly #clock: VirtualClock;
  readonly #trace: Trace;
  readonly #names: Names;
  readonly #network: SimNetwork;
  readonly #relays: RemoteRelay[] = [];
  readonly #failures = new Set<string>();
  readonly #storeCheck: StoreCheck;
  readonly #backoffCheck: BackoffCheck;
  readonly #crowdCheck: CrowdCheck;
  readonly #disk: Disk;
  readonly #identity: Identity | undefined;
  /** What clients were told to be stored. */
  readonly #acknowledged: NostrEvent[] = [];
  #process: DaemonProcess;
  #faultsOn = true;
  #latestNowMs: number;
  #earliestNowMs: number;
  readonly #tripping: Tripping;
  #lifeBegan = 0;

  constructor(scenario: Scenario, kernels: Kernels, write: ((line: string) => void) | undefined) {
    this.#scenario = scenario;
    this.#kernels = kernels;
    this.#clock = new VirtualClock(scenario.startMs);
    this.#latestNowMs = scenario.startMs;
    this.#earliestNowMs = scenario.startMs;
    this.#tripping = tripping(scenario.trippingShare);
    this.#trace = write === undefined ? silent : traceTo(this.#clock, write);
    this.#names = namesOf(scenario.universe.cast);
    const report = (what: string) => this.#report(what);
    this.#backoffCheck = new BackoffCheck(scenario.settings, report);
    this.#crowdCheck = new CrowdCheck(scenario.settings, report);
    const random = seededRandom(scenario.networkSeed);
    this.#network = new SimNetwork(this.#clock, random, this.#trace, (dial) =>
      (isOfCrowd(dial.url) ? this.#crowdCheck : this.#backoffCheck).onDial(dial),
    );
    const events = scenario.universe.publications.map(({ event }) => event);
    const latestSeconds = () => Math.max(this.#latestNowMs, this.#clock.now()) / 1000;
    const storable = events.filter(({ id }) => !this.#tripping.trips(id));
    this.#storeCheck = new StoreCheck(acceptableInSomeOrder(storable, this.#names), latestSeconds, report);
    this.#disk = new Disk(scenario.durability);
    this.#identity = scenario.hasIdentity ? simulatedIdentity : undefined;
    this.#addRelays(events);
    this.#process = this.#createProcess();
  }

  async run(): Promise<Outcome> {
    const { faultMs, incidents } = this.#scenario;
    this.#network.faults = this.#scenario.networkFaults;
    for (const incident of incidents) this.#clock.after(incident.atMs, () => this.#happen(incident));
    this.#publish();
    this.#process.start();
    for (let passed = 0; passed < faultMs; passed += hourMs) {
      await this.#clock.advance(Math.min(hourMs, faultMs - passed));
      await this.#look();
    }
    this.#endFaults();
    const completeAfterMs = await this.#waitUntilComplete();
    await this.#close();
    return {
      seed: this.#scenario.seed,
      failures: [...this.#failures],
      storedEvents: this.#process.store.size,
      acceptableEvents: this.#storeCheck.acceptableEvents,
      dials: this.#network.dials.length,
      completeAfterMs,
    };
  }

  /** Lives through the quiet time; when that is over and something is missing still, it says what. */
  async #waitUntilComplete(): Promise<number | undefined> {
    const { quietMs, full } = this.#scenario;
    let completeAfterMs: number | undefined;
    let missing: Missing[] = [];
    for (let passed = 0; passed < quietMs; passed += lookEveryMs) {
      const dialsBefore = this.#network.dials.length;
      await this.#clock.advance(lookEveryMs);
      this.#checkDials(this.#network.dials.slice(dialsBefore));
      missing = await this.#look();
      if (missing.length > 0) completeAfterMs = undefined;
      else completeAfterMs ??= this.#clock.monotonic();
      if (completeAfterMs !== undefined && !full) break;
    }
    for (const { event, relay } of missing) this.#report(`missing ${describe(event)}, which ${relay} has`);
    return completeAfterMs;
  }

  /** No relay, however it behaves, is dialled again and again while the network is well. */
  #checkDials(dials: readonly DialRecord[]): void {
    for (const { url } of this.#relays) {
      const count = dials.filter((dial) => dial.url === url).length;
      if (count > quietDialsMax)
        this.#report(`${url} is dialled ${count} times in ${lookEveryMs / hourMs} h`);
    }
  }

  #addRelays(events: readonly NostrEvent[]): void {
    const { universe, relaySeed, relayKinds, graspRelays, wordyRelays, unreachable, speeds } = this.#scenario;
    const random = seededRandom(relaySeed);
    for (const plan of universe.cast.relays) {
      const own = fork(random);
      const surroundings = {
        random: own,
        clock: this.#clock,
        faultsOn: () => this.#faultsOn,
        unasked: events,
      };
      const style = graspRelays.get(plan.url);
      const grasp = style === undefined ? [] : [supportsGrasp(style)];
      const wordy = wordyRelays.has(plan.url) ? [isWordy(seededRandom(relaySeed + this.#relays.length))] : [];
      const behaviours = [...behavioursOf(relayKinds, surroundings), ...grasp, ...wordy];
      const relay = new RemoteRelay(plan.url, behaviours, this.#trace, ({ url, what }) => {
        this.#report(`${url} (${behaviours.map(({ name }) => name).join(', ')}): ${what}`);
      });
      this.#trace(() => `${plan.url}: ${behaviours.map(({ name }) => name).join(', ') || 'correct'}`);
      this.#relays.push(relay);
      this.#network.add(relay, speeds.get(plan.url) ?? { latencyMs: 10, jitterMs: 0, bytesPerMs: 1_000 });
      if (unreachable.includes(plan)) this.#network.setReachability(plan.url, 'refused');
    }
  }

  /** Fills the relays with history, and sets the timers for what is said later. */
  #publish(): void {
    const byUrl = new Map(this.#relays.map((relay) => [relay.url, relay]));
    for (const { event, atMs, relays, directAtMs } of this.#scenario.universe.publications) {
      const say = () => {
        for (const { url } of relays) byUrl.get(url)?.publish(event);
      };
      if (atMs < 0) say();
      else this.#clock.after(atMs, say);
      if (directAtMs !== undefined) this.#clock.after(directAtMs, () => this.#submit(event));
    }
  }

  #submit(event: NostrEvent): void {
    // Clients speak JSON through a parser that takes no unsafe number.
    if (!this.#process.running || !Number.isSafeInteger(event.created_at)) return;
    this.#process.admission.submit(event, { type: 'direct' }).then(
      (outcome) => {
        if (outcome.type === 'stored') this.#acknowledged.push(event);
      },
      () => {
        // The process was stopping: the client was told nothing.
      },
    );
  }

  /** What a client was told to be stored is on the disk, when the daemon promises that. */
  #checkAcknowledged(): void {
    if (this.#disk.durability !== 'sync') return;
    const onDisk = new Set(this.#disk.everStored.map(({ id }) => id));
    for (const event of this.#acknowledged) {
      if (!onDisk.has(event.id)) this.#report(`lost ${describe(event)}, which was acknowledged`);
    }
  }

  #happen(incident: Incident): void {
    this.#trace(() => `incident: ${JSON.stringify(incident)}`);
    switch (incident.type) {
      case 'unreachable':
        this.#network.setReachability(incident.url, incident.as);
        this.#network.loseConnections(incident.url, incident.as === 'black-hole');
        this.#clock.after(incident.forMs, () => {
          if (this.#faultsOn) this.#reach(incident.url);
        });
        return;
      case 'connections-lost':
        this.#network.loseConnections(incident.url, incident.silently);
        return;
      case 'clock-jump':
        this.#clock.jump(incident.byMs);
        this.#latestNowMs = Math.max(this.#latestNowMs, this.#clock.now());
        this.#earliestNowMs = Math.min(this.#earliestNowMs, this.#clock.now());
        return;
      case 'power-failure':
        this.#process.kill();
        this.#disk.loseSince(this.#clock.monotonic() - incident.unwrittenMs);
        this.#checkAcknowledged();
        this.#clock.after(incident.downMs, () => this.#startAgain());
        return;
      case 'crash':
        this.#process.kill();
        this.#clock.after(incident.downMs, () => this.#startAgain());
        return;
      case 'restart': {
        if (!this.#process.alive) return;
        const stopping = this.#process;
        stopping.stop().then(
          () => this.#clock.after(incident.downMs, () => this.#startAgain()),
          (error) => this.#reportError('a stop failed', error),
        );
      }
    }
  }

  #startAgain(): void {
    if (this.#process.alive) return;
    this.#process = this.#createProcess();
    this.#process.start();
  }

  #createProcess(): DaemonProcess {
    this.#trace(() => 'a process of ours starts');
    const { settings, bootstrap, refusedIdsMax, processSeed, timers } = this.#scenario;
    this.#lifeBegan = this.#network.dials.length;
    this.#storeCheck.startLife();
    const process = new DaemonProcess({
      clock: checkedClock(
        timers === 'exact' ? this.#clock : this.#clock.unruly(seededRandom(processSeed - this.#lifeBegan)),
        (what) => this.#report(what),
      ),
      random: seededRandom(processSeed + this.#lifeBegan),
      network: this.#network,
      disk: this.#disk,
      kernels: this.#kernels,
      settings: { ...settings, bootstrapRelays: bootstrap.map(({ url }) => url) },
      rules: hostingRules(ownDomain),
      verifier: createFakeVerifier(),
      identity: this.#identity,
      logger: this.#logger(),
      refusedIdsMax,
      hotCacheDurationMs: 120_000,
      tripping: this.#tripping,
      onFault: (error) => this.#reportError('a process of ours failed', error),
    });
    process.admission.feed.onAccepted((accepted) => {
      if (accepted.stored) this.#trace(() => `stored ${describe(accepted.event)} (${accepted.source.type})`);
      this.#storeCheck.onAccepted(accepted);
      for (const url of this.#namedBy(accepted.event)) this.#backoffCheck.onNamed(url);
    });
    return process;
  }

  /** The relays of an announcement, but for those that are tracked anyway. */
  #namedBy(event: NostrEvent): string[] {
    if (event.kind !== 30_617) return [];
    const { isOurs, relayOf } = this.#names;
    const named = readAnnouncement(event, isOurs, relayOf)?.relays ?? [];
    return named.filter((url) => !this.#scenario.bootstrap.some((plan) => plan.url === url));
  }

  #logger(): SyncLogger {
    const line = (level: string) => (details: object, message: string) => {
      this.#trace(() => `${level}: ${message} ${JSON.stringify(details)}`);
    };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  /** From here on the world is as it should be, but for the relays that are what they are. */
  #endFaults(): void {
    this.#trace(() => 'the faults end');
    this.#faultsOn = false;
    this.#network.faults = noFaults;
    this.#network.spareConnections();
    for (const { url } of this.#relays) {
      this.#reach(url);
    }
    this.#startAgain();
  }

  #reach(url: string): void {
    const never = this.#scenario.unreachable.some((plan) => plan.url === url);
    if (!never) this.#network.setReachability(url, 'up');
  }

  /** Looks at the whole: what is stored, what is missing, what is counted. */
  async #look(): Promise<Missing[]> {
    this.#latestNowMs = Math.max(this.#latestNowMs, this.#clock.now());
    if (!this.#process.running) return [];
    const stored: NostrEvent[] = [];
    for await (const chunk of this.#process.store.query([{}]))
      for (const { event } of chunk) stored.push(event);
    this.#storeCheck.checkStored(stored);
    for (const difference of await compareMetrics(this.#process.registry, this.#happened())) {
      this.#report(`metrics: ${difference}`);
    }
    for (const excess of await exceededLimits(this.#process.registry, this.#relays.length))
      this.#report(excess);
    const { refused } = this.#process.store;
    if (refused.size > this.#scenario.refusedIdsMax)
      this.#report(`${refused.size} refused events are remembered`);
    return findMissing(
      {
        stored,
        everStored: this.#disk.everStored,
        relays: this.#relays.filter((relay) => this.#isExpectedToServe(relay)),
        bootstrap: new Set(this.#scenario.bootstrap.map(({ url }) => url)),
        trips: ({ id }) => this.#tripping.trips(id),
        nowSeconds: this.#latestNowMs / 1000,
        earliestSeconds: this.#earliestNowMs / 1000,
      },
      this.#names,
    );
  }

  /** Whether what a relay holds has to reach us: it does not deceive, it can be reached, and it lets us in. */
  #isExpectedToServe({ url, honest, needsKey }: RemoteRelay): boolean {
    return (
      honest && this.#network.reachabilityOf(url) === 'up' && (!needsKey || this.#identity !== undefined)
    );
  }

  #happened() {
    const dials = new Map<string, { success: number; failure: number }>();
    for (const dial of this.#network.dials.slice(this.#lifeBegan)) count(dials, dial);
    const urls = this.#relays.map(({ url }) => url);
    return {
      storedBySource: this.#storeCheck.bySource,
      dials,
      connected: new Set(urls.filter((url) => this.#network.openConnections(url) > 0)),
      bootstrap: new Set(this.#scenario.bootstrap.map(({ url }) => url)),
    };
  }

  /** The end of the last process must leave nothing behind. */
  async #close(): Promise<void> {
    let stopped = false;
    this.#process.stop().then(
      () => {
        stopped = true;
      },
      (error) => this.#reportError('the last stop failed', error),
    );
    await this.#clock.advance(10_000);
    if (!stopped) this.#report('the process does not stop within 10 s');
    await settle();
  }

  #report(what: string): void {
    this.#trace(() => `FAILURE ${what}`);
    if (this.#failures.size < failuresMax) this.#failures.add(what);
  }

  #reportError(what: string, error: unknown): void {
    this.#report(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function behavioursOf(kinds: Scenario['relayKinds'], surroundings: Surroundings): Behaviour[] {
  if (kinds === 'field') return drawBehaviours(surroundings);
  return kinds === 'large' ? [publishesLimits(40, 50)] : [];
}

const simulatedIdentity = Identity.fromNsec(
  'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5',
);

function count(dials: Map<string, { success: number; failure: number }>, dial: DialRecord): void {
  const counts = dials.get(dial.url) ?? { success: 0, failure: 0 };
  dials.set(dial.url, counts);
  if (dial.openedAt !== undefined) counts.success += 1;
  else if (dial.failedAt !== undefined) counts.failure += 1;
}
