import { Registry } from 'prom-client';
import { AdmissionMetrics } from '../../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../../src/admission/admission-pipeline.js';
import type { Verifier } from '../../../src/admission/verification/verifier.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import { isAbort } from '../../../src/lib/abort.js';
import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import type { Identity } from '../../../src/nostr/keys.js';
import { Nip34WritePolicy } from '../../../src/policy/nip34-write-policy.js';
import { RepositoryDirectory } from '../../../src/repositories/repository-directory.js';
import { RepositoryServing, type ServingRules } from '../../../src/repositories/serving.js';
import { SyncManager } from '../../../src/sync/manager.js';
import type { SyncLogger } from '../../../src/sync/report/logger.js';
import { SyncMetrics } from '../../../src/sync/report/metrics.js';
import type { SyncSettings } from '../../../src/sync/settings.js';
import type { SimNetwork } from '../network/network.js';
import type { Disk } from './disk.js';
import { DurableStore } from './durable-store.js';
import { LifeClock } from './life-clock.js';
import { type Tripping, trippingPolicy, trippingVerifier } from './tripping.js';

/** What a process of ours is started with. */
export type ProcessParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly settings: SyncSettings;
  readonly rules: ServingRules;
  readonly verifier: Verifier;
  readonly identity: Identity | undefined;
  readonly logger: SyncLogger;
  readonly refusedIdsMax: number;
  readonly hotCacheDurationMs: number;
  /** Which events make policy or verifier throw. */
  readonly tripping: Tripping;
  /** Told of whatever a process must never come to. */
  readonly onFault: (error: unknown) => void;
};

const sweepIntervalMs = 3_600_000;

/** One life of our daemon: real policy, admission and sync, on a simulated disk, clock and network. */
export class DaemonProcess {
  readonly registry = new Registry();
  readonly store: DurableStore;
  readonly admission: AdmissionPipeline;
  /** What ends with the process: all that it waits for. */
  readonly clock: LifeClock;
  readonly #parts: ProcessParts;
  readonly #serving: RepositoryServing;
  readonly #directory: RepositoryDirectory;
  readonly #crashNetwork: () => void;
  readonly #controller = new AbortController();
  readonly #dialer: ReturnType<SimNetwork['startLife']>['dialer'];
  #running: Promise<void> | undefined;
  #alive = true;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.clock = new LifeClock(parts.clock);
    const life = parts.network.startLife();
    this.#dialer = life.dialer;
    this.#crashNetwork = () => life.crash();
    this.#serving = new RepositoryServing(parts.rules);
    this.#directory = new RepositoryDirectory(this.#serving);
    this.store = new DurableStore(this.clock, parts.disk, parts.refusedIdsMax);
    const policy = new Nip34WritePolicy({
      serving: this.#serving,
      store: this.store,
      directory: this.#directory,
      eventBlacklist: new Set(),
    });
    this.admission = new AdmissionPipeline({
      store: this.store,
      refused: this.store.refused,
      policy: trippingPolicy(policy, parts.tripping),
      verifier: trippingVerifier(parts.verifier, parts.tripping),
      clock: this.clock,
      metrics: new AdmissionMetrics(this.registry),
      log: { error: (details) => this.#onEventFailure(details) },
      hotCacheDurationMs: parts.hotCacheDurationMs,
      effects: { run: () => {} },
      onStoreFailure: parts.onFault,
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Whether it lives and was not asked to stop. */
  get running(): boolean {
    return this.#alive && !this.#controller.signal.aborted;
  }

  /** Loads what is stored and begins to sync; what follows happens as the clock goes on. */
  start(): void {
    this.#running = this.#run();
    this.#running.catch(this.#parts.onFault);
  }

  /** Ends as `kill -9` does: between two steps, with nothing written that was not. */
  kill(): void {
    this.#alive = false;
    this.clock.kill();
    this.#crashNetwork();
  }

  /** Ends as SIGTERM does; settles when all is closed. */
  async stop(): Promise<void> {
    this.#controller.abort(new Error('the daemon stops'));
    await this.#running;
    await this.admission[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
    this.#alive = false;
    this.clock.kill();
    this.#crashNetwork();
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    await this.#directory.load(this.store);
    this.#scheduleSweep();
    const manager = new SyncManager({
      store: this.store,
      refused: this.store.refused,
      admission: this.admission,
      kernels: this.#parts.kernels,
      dialer: this.#dialer,
      clock: this.clock,
      random: this.#parts.random,
      logger: this.#parts.logger,
      settings: this.#parts.settings,
      ownService: this.#parts.rules.ownService,
      identity: this.#parts.identity,
      directory: this.#directory,
      metrics: new SyncMetrics(this.registry),
    });
    try {
      await manager.run(signal);
    } catch (error) {
      if (!isAbort(error, signal)) throw error;
    }
  }

  /** Only what is meant to makes us fail. */
  #onEventFailure(details: object): void {
    const { event } = details as { event?: string };
    if (event !== undefined && this.#parts.tripping.trips(event)) return;
    this.#parts.onFault(new Error(`an event made us fail: ${JSON.stringify(details)}`));
  }

  #scheduleSweep(): void {
    this.clock.after(sweepIntervalMs, () => {
      if (this.#controller.signal.aborted) return;
      this.admission.sweep().catch(this.#parts.onFault);
      this.#scheduleSweep();
    });
  }
}
