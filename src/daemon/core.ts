import { resolve } from 'node:path';
import { Registry } from 'prom-client';
import { AdmissionMetrics } from '../admission/admission-metrics.js';
import { AdmissionPipeline } from '../admission/admission-pipeline.js';
import { isDateRefusal } from '../admission/event-dates.js';
import type { HoldingParts } from '../admission/holding/holding-desk.js';
import { createPoolVerifier } from '../admission/verification/pool-verifier.js';
import { createPromptCheck } from '../admission/verification/prompt-check.js';
import { openSignatureCheck } from '../admission/verification/signature-check.js';
import type { Verifier } from '../admission/verification/verifier.js';
import type { GitAlignment } from '../alignment/git-alignment.js';
import { beginAfterRestore } from '../backup/restore/restore-mark.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import type { GitStreams } from '../git/git-streams.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import type { RefChanges } from '../git/ref-changes.js';
import { deferred } from '../lib/abort.js';
import { secondMs } from '../lib/clock.js';
import { ReleaseStack } from '../lib/release-stack.js';
import type { DiskUse } from '../maintenance/disk-use.js';
import type { Maintenance } from '../maintenance/maintenance.js';
import { ModerationLists } from '../moderation/lists.js';
import { isQuotaRefusal, KeyQuotas } from '../policy/key-quotas.js';
import { Nip34WritePolicy } from '../policy/nip34-write-policy.js';
import { countStored, QuotaPolicy } from '../policy/quota-policy.js';
import { WaitingForRoom } from '../policy/waiting-for-room.js';
import { Purgatory } from '../purgatory/purgatory.js';
import { PurgatoryMetrics } from '../purgatory/purgatory-metrics.js';
import { RepositoryDirectory } from '../repositories/repository-directory.js';
import { RepositoryServing } from '../repositories/serving.js';
import type { OpenedStore } from '../store/opened-store.js';
import type { LeaseHolder, LeaseWaiting } from '../store/postgres/writer-lease.js';
import type { ReasonCounts } from '../store/refused/reason-counts.js';
import { DiskFloor } from './disk-floor.js';
import { startGitSide } from './git/git-side.js';
import { watchFaults } from './process-metrics.js';
import type { CurrentOptions } from './reload/current-options.js';
import { forgetOtherwiseJudged } from './reload/judging-options.js';
import { blacklistOf, heldSettingsOf, quotaSettingsOf, servingRulesOf } from './settings.js';
import { openStore } from './store/open-store.js';
import { StoreFaults } from './store/store-faults.js';
import { watchStore } from './store/store-metrics.js';
import { StoreOutage } from './store/store-outage.js';
import type { Surroundings } from './surroundings.js';

/** Everything that an event passes on its way to disk: enough for an import, and the ground of the daemon. */
export type Core = AsyncDisposable &
  OpenedStore & {
    readonly registry: Registry;
    readonly serving: RepositoryServing;
    readonly directory: RepositoryDirectory;
    readonly purgatory: Purgatory;
    /** What the operator banned, blocked and allowed while the daemon ran. */
    readonly moderationLists: ModerationLists;
    readonly admission: AdmissionPipeline;
    readonly quotas: KeyQuotas;
    /** Why events were refused since the start. */
    readonly refusals: Pick<ReasonCounts, 'list'>;
    readonly disk: DiskFloor;
    readonly storeOutage: StoreOutage;
    readonly storeFaults: StoreFaults;
    readonly verifier: Verifier;
    readonly alignment: Pick<
      GitAlignment,
      'pending' | 'idle' | 'watch' | 'run' | 'lookAt' | 'objectsArrived' | 'onIncomplete'
    >;
    readonly git: Git;
    readonly repositories: BareRepositories;
    readonly streams: GitStreams;
    readonly refChanges: RefChanges;
    readonly locks: RepositoryLocks;
    /** The care of repositories, for who lets it work. */
    readonly maintenance: Maintenance;
    /** What repositories of pull requests take (GRASP-06), where there are such. */
    readonly prsDiskUse: DiskUse | undefined;
    /** Rejects when the store can no longer be written; never resolves. */
    readonly failed: Promise<never>;
    /** Says who looks whether the git data of an event that is held is here, and who is told of what was refused. */
    examineWith(examiner: Pick<HoldingParts, 'examine' | 'onRefused'>): void;
  };

const bytesPerMegabyte = 1_000_000;

/** What the caller of `openCore` decides. */
export type CoreChoices = {
  /** How many repositories the settings may close. */
  readonly closingAccepted: number;
  /** Whether what clients submit is held until its git data is here: only where somebody can push that. */
  readonly holdsEvents?: boolean;
  /** What is done while another graspd writes to the database; without it that is an error. */
  readonly waiting?: LeaseWaiting | undefined;
  /** Where other graspd on the same database reach this one. */
  readonly reached?: LeaseHolder['reached'];
};

/**
 * Opens the store and builds policy, git side and admission upon it. Rejects with `ClosingRefusedError` when the settings
 * close more repositories than is expected and than `closingAccepted`. Disposing of it gives up what was not begun,
 * finishes the writes in hand and closes the store.
 */
export async function openCore(
  current: CurrentOptions,
  surroundings: Surroundings,
  { closingAccepted, holdsEvents = false, waiting, reached }: CoreChoices,
): Promise<Core> {
  const options = current.now;
  const { clock, faults } = surroundings;
  const stack = new ReleaseStack();
  let disk: DiskFloor | undefined;
  try {
    const registry = new Registry();
    const storeFaults = new StoreFaults(registry, surroundings.logger);
    disk = await watchDisk(current, surroundings, registry, stack);
    const opened = await openStore(options, clock, {
      onFault: storeFaults.add,
      ...(waiting === undefined ? {} : { waiting }),
      ...(reached === undefined ? {} : { reached }),
    });
    const { store, refused } = opened;
    stack.use(store);
    await beginAfterRestore(opened.journal);
    const storeOutage = new StoreOutage({ opened, clock, logger: surroundings.logger, registry });
    watchUntilReleased(storeOutage, stack);
    storeFaults.sayLosses(opened.losses);
    watchStore(registry, opened);
    watchFaults(registry, faults);
    const serving = new RepositoryServing(servingRulesOf(options));
    const directory = new RepositoryDirectory(serving);
    await directory.load(store);
    const purgatory = new Purgatory({
      journal: opened.journal,
      clock,
      settings: current.settings(heldSettingsOf),
      metrics: new PurgatoryMetrics(registry),
      listener: directory,
    });
    await purgatory.load();
    const moderationLists = await ModerationLists.load(opened.journal);
    const quotas = new KeyQuotas(current.settings(quotaSettingsOf));
    countStored(store, quotas);
    const blacklist = current.settings(blacklistOf);
    const rules = new Nip34WritePolicy({
      serving,
      store,
      directory,
      get eventBlacklist() {
        return blacklist.authors;
      },
      bans: moderationLists,
      ...(holdsEvents ? { purgatory } : {}),
    });
    const policy = new QuotaPolicy(rules, quotas, store, moderationLists);
    // What waited for room, or for its time, is no longer known to wait.
    refused.deleteRefusedFor((reason) => isQuotaRefusal(reason) || isDateRefusal(reason));
    await forgetOtherwiseJudged(options, opened);
    const verifier = stack.use(
      createPoolVerifier({ workers: options.verifyWorkers, library: options.signatureLibrary, faults }),
    );
    const promptCheck = createPromptCheck(clock, await openSignatureCheck(options.signatureLibrary));
    const gitSide = await startGitSide(
      current,
      surroundings,
      { store, directory, purgatory, registry, disk, closingAccepted },
      stack,
    );
    const admissionMetrics = new AdmissionMetrics(registry);
    const failed = deferred<never>();
    opened.lost?.catch(failed.reject);
    let examiner: Pick<HoldingParts, 'examine' | 'onRefused'> = {
      examine: async () => 'waits',
      onRefused: () => {},
    };
    const holding: HoldingParts = {
      purgatory,
      directory,
      examine: (event) => examiner.examine(event),
      onRefused: (event) => examiner.onRefused(event),
    };
    const admission = stack.use(
      new AdmissionPipeline({
        store,
        refused,
        policy,
        verifier,
        promptCheck,
        clock,
        metrics: admissionMetrics,
        log: surroundings.logger,
        waitingForRoom: new WaitingForRoom(quotas),
        hotCacheDurationMs: options.rejectedHotCacheDurationSecs * secondMs,
        hasRoom: () => disk?.isLow !== true,
        ...(holdsEvents ? { holding } : {}),
        effects: gitSide.alignment,
        onStoreFailure: failed.reject,
      }),
    );
    storeFaults.askWith((ids) => admission.want(ids));
    await admission.holding?.resume();
    return {
      ...opened,
      registry,
      serving,
      directory,
      purgatory,
      moderationLists,
      admission,
      quotas,
      refusals: admissionMetrics.refusals,
      ...gitSide,
      disk,
      storeOutage,
      storeFaults,
      verifier,
      failed: failed.promise,
      examineWith: (chosen) => {
        examiner = chosen;
      },
      [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
    };
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw disk === undefined ? error : disk.explain(error);
  }
}

/** Has the disks of the data watched until the stack is unwound; they have been looked at once. */
async function watchDisk(
  current: CurrentOptions,
  { diskSpace: space, clock, logger }: Surroundings,
  registry: Registry,
  stack: ReleaseStack,
): Promise<DiskFloor> {
  const options = current.now;
  const folders = options.databaseBackend === 'memory' ? [] : [options.relayDataPath];
  const paths = [...folders, options.gitDataPath].map((path) => resolve(path));
  const floorBytes = () => current.now.diskFloorMb * bytesPerMegabyte;
  const disk = new DiskFloor({ space, clock, logger, registry, paths, floorBytes });
  await disk.look();
  watchUntilReleased(disk, stack);
  return disk;
}

function watchUntilReleased(
  watched: { watch(signal: AbortSignal): Promise<void> },
  stack: ReleaseStack,
): void {
  const stop = new AbortController();
  const watching = watched.watch(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await watching;
  });
}
