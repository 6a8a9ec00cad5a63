import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { destination } from 'pino';
import { createLogger } from '../daemon/logger.js';
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

/** How long the relays may take to agree, each time. */
const agreementMsMax = 25_000;
const pollIntervalMs = 100;

/** Shows a network of three relays at work, over real sockets, and checks that it does what it should. */
export const demo: Command = {
  name: 'demo',
  summary: 'Show three relays find each other, catch up and go live; fails when they do not agree',
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
    return await new Demonstration(invocation, stack).run();
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
    await this.#settle(services, history.length, 'catch-up');
    await this.#sayFigures(third);

    await this.#publish(scenario.live);
    this.#say(
      `Published ${everything.length - history.length} more events, among them a new repository at south.`,
    );
    await this.#settle(services, everything.length, 'live');
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

  /** Waits until every relay holds `total` events, and shows how far the third is. */
  async #settle(services: readonly Service[], total: number, phase: string): Promise<void> {
    const progress = startProgress(this.#invocation, `third: ${phase}`, total, systemClock);
    const giveUpAt = systemClock.monotonic() + agreementMsMax;
    try {
      for (;;) {
        const counts = await Promise.all(services.map(({ name }) => this.#reader(name).count({})));
        progress.update(counts.at(-1) ?? 0, `${counts.at(-1)} of ${total} events`);
        if (counts.every((count) => count === total)) return;
        if (systemClock.monotonic() > giveUpAt) {
          const held = services.map(({ name }, index) => `${name} ${counts[index]}`).join(', ');
          throw new GraspError('demo_overdue', `after ${agreementMsMax} ms the relays do not agree: ${held}`);
        }
        await systemClock.sleep(pollIntervalMs, this.#invocation.signal);
      }
    } finally {
      progress.stop();
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
