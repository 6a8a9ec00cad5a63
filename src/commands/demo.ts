import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { destination } from 'pino';
import { createLogger } from '../daemon/logger.js';
import { withTimeLimit } from '../lib/abort.js';
import { systemClock, unixSeconds } from '../lib/clock.js';
import { GraspError } from '../lib/errors.js';
import { ReleaseStack } from '../lib/release-stack.js';
import type { Command, Invocation } from './command.js';
import { compareHoldings } from './demo/comparison.js';
import { readFigures } from './demo/metrics.js';
import { RelayClient } from './demo/relay-client.js';
import { reserveServices, startRelay } from './demo/relays.js';
import { makeScenario, type Publication, type Service } from './demo/scenario.js';
import { startProgress } from './progress.js';

/** How long all of it may take. */
const demoMsMax = 58_000;
/** How long the relays may take to agree, each time. */
const agreementMsMax = 25_000;
const pollIntervalMs = 100;
/** How long people think before they answer: longer than the window in which a relay gathers new filters. */
const thoughtMs = 500;

/** Told how many events a relay has by now. */
type ShowCount = (count: number) => void;

/** Shows a network of three relays at work, over real sockets, and checks that it does what it should. */
export const demo: Command = {
  name: 'demo',
  summary: 'Show three relays find each other, catch up and go live; fails when they do not agree',
  details: 'The exit code is 0 when all three relays hold the same events in the end, else 1.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'verbose',
      placeholder: undefined,
      about: "Write the relays' log lines to stderr",
      isSwitch: true,
      isList: false,
    },
  ],
  takesOptions: false,
  async run(invocation) {
    await using stack = new ReleaseStack();
    const work = new Demonstration(invocation, stack).run();
    return await withTimeLimit(systemClock, 'the demonstration', demoMsMax, work, invocation.signal);
  },
};

class Demonstration {
  readonly #invocation: Invocation;
  readonly #stack: ReleaseStack;
  readonly #readers = new Map<string, RelayClient>();

  constructor(invocation: Invocation, stack: ReleaseStack) {
    this.#invocation = invocation;
    this.#stack = stack;
  }

  async run(): Promise<number> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-demo-'));
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
    const services = await reserveServices(['north', 'south', 'third']);
    const [north, south, third] = services as [Service, Service, Service];
    const scenario = makeScenario([north, south], services, unixSeconds(systemClock));
    const history = scenario.history.flat();
    const everything = [...history, ...scenario.live.flat()];

    await this.#start(north, undefined, folder);
    await this.#start(south, undefined, folder);
    await this.#publish(scenario.history);
    this.#say(`Published ${history.length} events about 4 repositories: half at north, half at south.`);

    await this.#start(third, north, folder);
    this.#say('The third relay knows north only. It reads there which other relays there are …');
    await this.#showing('catch-up', history.length, (show) => this.#settle(services, history.length, show));
    await this.#sayFigures(third);

    this.#say(
      `People go on: ${everything.length - history.length} more events, some about a new repository.`,
    );
    await this.#showing('live', everything.length, (show) =>
      this.#publishLive(services, scenario.live, history.length, show),
    );
    await this.#sayFigures(third);
    return await this.#compare(services, everything);
  }

  async #start(service: Service, bootstrap: Service | undefined, folder: string): Promise<void> {
    const level = this.#invocation.flags.get('verbose') === 'true' ? 'debug' : 'silent';
    const logger = createLogger(level, destination(2)).child({ name: service.name });
    this.#stack.use(await startRelay(service, bootstrap, folder, logger));
    this.#readers.set(service.name, this.#stack.use(await RelayClient.connect(`ws://${service.domain}`)));
    this.#say(`${service.name} listens at ws://${service.domain}`);
  }

  /** Publishes stage by stage; each author has a connection of their own to each relay. */
  async #publish(stages: readonly (readonly Publication[])[]): Promise<void> {
    await using connections = new ReleaseStack();
    const clients = new Map<string, Promise<RelayClient>>();
    const clientOf = ({ author, to }: Publication): Promise<RelayClient> => {
      const key = `${author.pubkey} ${to.domain}`;
      const connected =
        clients.get(key) ??
        RelayClient.connect(`ws://${to.domain}`).then((client) => connections.use(client));
      clients.set(key, connected);
      return connected;
    };
    for (const stage of stages) {
      this.#invocation.signal.throwIfAborted();
      await Promise.all(
        stage.map(async (publication) => (await clientOf(publication)).publish(publication.event)),
      );
    }
  }

  /** Publishes as people do who answer each other: a stage when all relays have the one before, and a little later. */
  async #publishLive(
    services: readonly Service[],
    stages: readonly (readonly Publication[])[],
    held: number,
    show: ShowCount,
  ): Promise<void> {
    let total = held;
    for (const stage of stages) {
      await this.#publish([stage]);
      total += stage.length;
      await this.#settle(services, total, show);
      await systemClock.sleep(thoughtMs, this.#invocation.signal);
    }
  }

  /** Does some work and shows meanwhile how many events the third relay has. */
  async #showing(phase: string, total: number, work: (show: ShowCount) => Promise<void>): Promise<void> {
    const progress = startProgress(this.#invocation, `third: ${phase}`, total, systemClock);
    try {
      await work((count) => progress.update(count, `${count} of ${total} events`));
    } finally {
      progress.stop();
    }
  }

  /** Waits until every relay holds `total` events; `show` is told how many the last one has. */
  async #settle(services: readonly Service[], total: number, show: ShowCount): Promise<void> {
    const giveUpAt = systemClock.monotonic() + agreementMsMax;
    for (;;) {
      const counts = await Promise.all(services.map(({ name }) => this.#reader(name).count({})));
      show(counts.at(-1) ?? 0);
      if (counts.every((count) => count === total)) return;
      if (systemClock.monotonic() > giveUpAt) {
        const held = services.map(({ name }, index) => `${name} ${counts[index]}`).join(', ');
        throw new GraspError(
          'demo_overdue',
          `after ${agreementMsMax} ms not all relays have ${total} events: ${held}`,
        );
      }
      await systemClock.sleep(pollIntervalMs, this.#invocation.signal);
    }
  }

  async #sayFigures({ name, domain }: Service): Promise<void> {
    const { connected, tracked, caughtUp, live } = await readFigures(domain);
    this.#say(
      `${name}: connected to ${connected} of ${tracked} relays; ${caughtUp} events by catch-up, ${live} live.`,
    );
  }

  async #compare(services: readonly Service[], published: readonly Publication[]): Promise<number> {
    const holdings = await Promise.all(
      services.map(async ({ name }) => ({ name, events: await this.#reader(name).read({}) })),
    );
    const { table, agrees } = compareHoldings(
      published.map(({ event }) => event),
      holdings,
    );
    this.#say(['', ...table, ''].join('\n'));
    this.#say(agrees ? 'All three relays hold the same events.' : 'The relays do NOT hold the same events.');
    return agrees ? 0 : 1;
  }

  #reader(name: string): RelayClient {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new GraspError('demo_relay', `there is no relay ${name}`);
    return reader;
  }

  #say(line: string): void {
    this.#invocation.stdout.write(`${line}\n`);
  }
}
