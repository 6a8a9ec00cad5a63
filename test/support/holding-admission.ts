import { Registry } from 'prom-client';
import type { AdmissionOutcome, EventSource } from '../../src/admission/admission.js';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Effect } from '../../src/policy/decision.js';
import { Nip34WritePolicy } from '../../src/policy/nip34-write-policy.js';
import type { Bans } from '../../src/policy/policy-context.js';
import type { HeldSettings } from '../../src/purgatory/held-counts.js';
import { Purgatory } from '../../src/purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../src/purgatory/purgatory-metrics.js';
import { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { RepositoryServing } from '../../src/repositories/serving.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { domain } from '../policy/world.js';
import { roomySettings } from '../purgatory/holding-world.js';
import { hostingRules } from './hosting-rules.js';
import type { VirtualClock } from './virtual-clock.js';

export type HoldingAdmissionParts = {
  readonly opened: OpenedStore;
  readonly clock: VirtualClock;
  readonly settings?: HeldSettings;
  readonly bans?: Bans;
};

/**
 * An admission that holds events, over any store. The git data of an event is here when `isHere` says so when it comes, or
 * when `arrive` does later: no repository is needed.
 */
export async function openHoldingAdmission({
  opened,
  clock,
  settings = roomySettings,
  bans,
}: HoldingAdmissionParts) {
  const { store, refused, journal } = opened;
  const registry = new Registry();
  const serving = new RepositoryServing(hostingRules(domain));
  const directory = new RepositoryDirectory(serving);
  await directory.load(store);
  const purgatory = new Purgatory({
    journal,
    clock,
    settings,
    metrics: new PurgatoryMetrics(registry),
    listener: directory,
  });
  await purgatory.load();
  const policy = new Nip34WritePolicy({
    serving,
    directory,
    store,
    purgatory,
    eventBlacklist: new Set(),
    ...(bans === undefined ? {} : { bans }),
  });
  const failed = deferred<never>();
  const effects: Effect[] = [];
  const errors: object[] = [];
  const examined: NostrEvent[] = [];
  const refusedEvents: NostrEvent[] = [];
  const git = { isHere: (_event: NostrEvent): boolean => false };
  const admission = new AdmissionPipeline({
    store,
    refused,
    policy,
    verifier: {
      batchesMax: 1,
      verify: async (events) => ({
        verdicts: events.map(({ sig }) => (sig.startsWith('f') ? 'wrong-signature' : 'valid')),
      }),
      async [Symbol.asyncDispose]() {},
    },
    clock,
    metrics: new AdmissionMetrics(registry),
    log: { error: (details) => errors.push(details) },
    hotCacheDurationMs: 120_000,
    effects: { run: (run) => effects.push(...run) },
    holding: {
      purgatory,
      directory,
      onRefused: (event) => void refusedEvents.push(event),
      examine: async (event) => {
        examined.push(event);
        return git.isHere(event) && (await arrive(event)).type === 'stored' ? 'promoted' : 'waits';
      },
    },
    onStoreFailure: failed.reject,
  });

  /** The git data of a held event came. */
  const arrive = async (event: NostrEvent): Promise<AdmissionOutcome> =>
    (await admission.holding?.promote(event)) as AdmissionOutcome;

  const submit = async (event: NostrEvent, source: EventSource = { type: 'direct' }): Promise<string> => {
    const outcome = await admission.submit(event, source);
    return outcome.type === 'refused' ? outcome.reason : outcome.type;
  };

  await admission.holding?.resume();
  const world = {
    ...opened,
    admission,
    purgatory,
    directory,
    registry,
    effects,
    errors,
    examined,
    refusedEvents,
    git,
  };
  return { ...world, failed: failed.promise, submit, arrive };
}
