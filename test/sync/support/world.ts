import { Registry } from 'prom-client';
import type { Admission, AdmissionOutcome, EventSource } from '../../../src/admission/admission.js';
import { AdmissionMetrics } from '../../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../../src/admission/admission-pipeline.js';
import type { Verifier } from '../../../src/admission/verification/verifier.js';
import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import { seededRandom } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import type { Identity } from '../../../src/nostr/keys.js';
import { OwnService } from '../../../src/nostr/relay-url.js';
import { Nip34WritePolicy } from '../../../src/policy/nip34-write-policy.js';
import { RepositoryDirectory } from '../../../src/repositories/repository-directory.js';
import { RepositoryServing } from '../../../src/repositories/serving.js';
import type { EventStore } from '../../../src/store/event-store.js';
import { createMemoryStore } from '../../../src/store/memory-store.js';
import type { RefusedIndex } from '../../../src/store/refused/refused-index.js';
import { SyncManager } from '../../../src/sync/manager.js';
import { SyncMetrics } from '../../../src/sync/report/metrics.js';
import { defaultSyncSettings, type SyncSettings } from '../../../src/sync/settings.js';
import { hostingRules } from '../../support/hosting-rules.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { FakeNetwork, type FakeRelay } from './fake-relay.js';

/** Our own service in these tests. */
export const ownDomain = 'grasp.example';

export type LogLine = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: Record<string, unknown>;
};

/** Signatures are of no matter here: what has the signature `forged` is refused. */
const trustingVerifier: Verifier = {
  batchesMax: 4,
  verify: async (events) => ({
    verdicts: events.map(({ sig }) => (sig.startsWith('f') ? 'wrong-signature' : 'valid')),
  }),
  [Symbol.asyncDispose]: async () => {},
};

export type WorldOptions = {
  readonly settings?: Partial<SyncSettings>;
  readonly identity?: Identity;
  readonly ownService?: OwnService;
  readonly seed?: number;
  /** What an earlier process left behind. */
  readonly before?: World;
};

/** Our daemon's rooms from store to sync, on a virtual clock and a network of fake relays. */
export class World {
  readonly clock: VirtualClock;
  readonly network: FakeNetwork;
  readonly registry = new Registry();
  readonly log: LogLine[] = [];
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly admission: AdmissionPipeline;
  readonly submitted: { readonly event: NostrEvent; readonly source: EventSource }[] = [];
  readonly manager: SyncManager;
  readonly directory: RepositoryDirectory;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: WorldOptions = {}) {
    const ownService = options.ownService ?? new OwnService(ownDomain, '127.0.0.1:7334');
    const serving = new RepositoryServing({ ...hostingRules(ownDomain), ownService });
    this.directory = new RepositoryDirectory(serving);
    const { directory } = this;
    this.clock = options.before?.clock ?? new VirtualClock();
    this.network = options.before?.network ?? new FakeNetwork(this.clock);
    const { store, refused } = options.before ?? createMemoryStore({ clock: this.clock });
    this.store = store;
    this.refused = refused;
    const { clock } = this;
    this.admission = new AdmissionPipeline({
      store,
      refused,
      clock,
      policy: new Nip34WritePolicy({
        serving,
        store,
        directory,
        eventBlacklist: new Set(),
      }),
      verifier: trustingVerifier,
      metrics: new AdmissionMetrics(this.registry),
      log: this.#logger(),
      hotCacheDurationMs: 120_000,
      effects: { run: () => {} },
      onStoreFailure: (error) => {
        throw error;
      },
    });
    this.manager = new SyncManager({
      store,
      refused,
      clock,
      admission: this.#recording(),
      kernels: createReferenceKernels(),
      dialer: this.network,
      random: seededRandom(options.seed ?? 1),
      logger: this.#logger(),
      metrics: new SyncMetrics(this.registry),
      settings: { ...defaultSyncSettings, ...options.settings },
      ownService,
      directory,
      identity: options.identity,
    });
  }

  relay(url: string): FakeRelay {
    return this.network.relay(url);
  }

  start(): void {
    this.#running = this.directory.load(this.store).then(() => this.manager.run(this.#stop.signal));
    // Tests that end it by a failure are told so by `stop`.
    this.#running.catch(() => {});
  }

  /** Stops sync; when this resolves, nothing of it may be left. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.clock.advance(10);
    await this.#running;
  }

  async advance(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
  }

  /** Hands events in as a client does. */
  async submit(...events: NostrEvent[]): Promise<AdmissionOutcome[]> {
    const outcomes = Promise.all(events.map((event) => this.admission.submit(event, { type: 'direct' })));
    await this.clock.advance(1);
    return await outcomes;
  }

  /** The value of a metric, or `undefined` when there is no such series. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const metric = (await this.registry.getMetricsAsJSON()).find((each) => each.name === name);
    const values = (metric?.values ?? []) as { labels: Record<string, string>; value: number }[];
    return values.find((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
      ?.value;
  }

  lines(message: string): LogLine[] {
    return this.log.filter((line) => line.message === message);
  }

  #recording(): Admission {
    const { admission, submitted } = this;
    return {
      feed: admission.feed,
      waitForCapacity: async (source) => await admission.waitForCapacity(source),
      hasCapacity: (source) => admission.hasCapacity(source),
      onWanted: (listener) => admission.onWanted(listener),
      submit: async (event, source) => {
        submitted.push({ event, source });
        return await admission.submit(event, source);
      },
    };
  }

  #logger() {
    const at = (level: LogLine['level']) => (details: object, message: string) => {
      this.log.push({ level, message, details: details as Record<string, unknown> });
    };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }
}
