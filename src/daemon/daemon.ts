import { setMaxListeners } from 'node:events';
import type { Registry } from 'prom-client';
import { type BindAddress, formatBindAddress } from '../config/host.js';
import { limits } from '../config/limits.js';
import type { Options } from '../config/options.js';
import type { GivenValues } from '../config/sources/option-sources.js';
import type { ReloadReport } from '../control/reports.js';
import { createGitHttp } from '../git-http/git-http.js';
import { type Readiness, relayRoute } from '../http/built-in-routes.js';
import { createHttpService, type InheritedSocket } from '../http/http-service.js';
import { createWasmKernels } from '../kernels/wasm/kernels.js';
import { AddressAccounts } from '../lib/budgets/address-accounts.js';
import { ReleaseStack } from '../lib/release-stack.js';
import { Management } from '../moderation/management/management.js';
import type { HeldLease } from '../store/opened-store.js';
import { createWsDialer } from '../sync/dial/ws-dialer.js';
import { SyncManager } from '../sync/manager.js';
import { SyncMetrics } from '../sync/report/metrics.js';
import { openCore } from './core.js';
import { descriptorLimit, descriptorShares, warnOfFewDescriptors } from './descriptors.js';
import { createGitRemote, createGitSync, examineHeld } from './git/data-sync.js';
import { createHosting } from './git/hosting.js';
import { informationOf, isRelayUrl, publicAddressOf, relayUrlOf } from './information.js';
import { aliasedMetrics } from './metrics/aliased-metrics.js';
import { graspAliases } from './metrics/metric-aliases.js';
import { startFollower } from './nodes/follower.js';
import { Following } from './nodes/following.js';
import { FollowerLinks, followersFirst } from './nodes/links/follower-links.js';
import { makeNodeSecret } from './nodes/links/node-secret.js';
import type { WriterAddress } from './nodes/links/writer-link.js';
import { nodesReport } from './nodes/nodes-report.js';
import { BackupDesk } from './operator/backup-desk.js';
import { serveControl } from './operator/control.js';
import { ImportDesk } from './operator/import-desk.js';
import { createModeration } from './operator/moderation.js';
import { type OwnerKey, ownerKey } from './owner-key.js';
import { collectProcessMetrics, watchAddresses, watchLimits } from './process-metrics.js';
import { createRelay } from './relay.js';
import { CurrentOptions } from './reload/current-options.js';
import { Reloader } from './reload/reloader.js';
import { runUntilReleased } from './running.js';
import {
  addressLimitsOf,
  gitHttpSettingsOf,
  gitProcessesOf,
  kernelBytesOf,
  ownServiceOf,
  relaySettingsOf,
  syncSettingsOf,
} from './settings.js';
import { ClientSubmission } from './store/client-submission.js';
import type { StoreOutage } from './store/store-outage.js';
import type { Surroundings } from './surroundings.js';
import { createWeb } from './web/pages.js';

/** The running daemon. Disposing of it stops it in the reverse order of its start. */
export type Daemon = AsyncDisposable & {
  /** Where it listens. */
  readonly address: BindAddress;
  readonly owner: OwnerKey;
  /** What it counts, whether or not that is served. */
  readonly registry: Registry;
  /** Events that were stored when it started. */
  readonly eventsAtStart: number;
  /** Takes the settings anew, as far as they may change while it runs (`Reloader.reload`). */
  reload(closingAccepted?: number): Promise<ReloadReport>;
  /** Rejects when the daemon can no longer do its work, as when its store failed; never resolves. */
  readonly closed: Promise<never>;
};

/** What the caller of `startDaemon` decides. */
export type DaemonChoices = {
  /** How many repositories the settings may close; none where nothing is said. */
  readonly closingAccepted?: number;
  /** What it serves in the place of its bind address. */
  readonly socket?: InheritedSocket | undefined;
  /** Ends the waiting for a database that another graspd writes to; without it that is an error. */
  readonly signal?: AbortSignal;
  /** Called when it serves what that one writes while it waits. */
  readonly onFollowing?: () => void;
  /** Reads anew what is given for options; without it nothing is. */
  readonly givenValues?: () => GivenValues;
};

/**
 * The composition root: makes every part, gives each what it stands on, and starts them from the store upwards. It
 * serves clients as soon as it listens, and begins to sync then. Throws `StoreError`, `ListenError`, `DescriptorError` or
 * `OwnerKeyError`, each with one line for the operator, after releasing what was made.
 */
export async function startDaemon(
  options: Options,
  surroundings: Surroundings,
  choices: DaemonChoices = {},
): Promise<Daemon> {
  const stack = new ReleaseStack();
  try {
    return await start(options, surroundings, choices, stack);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(
  options: Options,
  surroundings: Surroundings,
  { closingAccepted = 0, socket, signal, onFollowing, givenValues = () => new Map() }: DaemonChoices,
  stack: ReleaseStack,
): Promise<Daemon> {
  const { logger, clock, faults } = surroundings;
  const current = new CurrentOptions(options);
  const started = givenValues();
  const descriptors = descriptorLimit();
  const shares = descriptorShares(descriptors, options.verifyWorkers, gitProcessesOf(options));
  const relaySettings = current.settings((now) => relaySettingsOf(now, shares));
  const sayIfTooMany = (now: Options) => warnOfFewDescriptors(now, gitProcessesOf(now), descriptors, logger);
  sayIfTooMany(options);
  const owner = await ownerKey(options.relayOwnerNsec, process.cwd());
  const { identity } = owner;
  const { nodeUrl } = options;
  const reached = nodeUrl === undefined ? undefined : { url: nodeUrl, secret: makeNodeSecret() };
  const followAs = (url: string) => async (writer: WriterAddress, lease: () => HeldLease) => {
    const follower = await startFollower(options, surroundings, writer, { url, lease });
    onFollowing?.();
    return follower;
  };
  // A socket that was inherited is lost when it is closed.
  const follow = socket === undefined && nodeUrl !== undefined ? followAs(nodeUrl) : undefined;
  const waiting = signal && new Following({ clock, logger, signal, follow });
  const core = stack.use(
    await openCore(current, surroundings, { closingAccepted, holdsEvents: true, waiting, reached }),
  );
  const { registry, store, admission, verifier, disk, storeOutage } = core;
  const ownService = ownServiceOf(options);
  stack.defer(collectProcessMetrics(registry));
  watchLimits(registry);
  const accounts = new AddressAccounts(clock, current.settings(addressLimitsOf), limits.addressAccountsMax);
  watchAddresses(registry, accounts);
  const submission = new ClientSubmission(admission, storeOutage);
  const admitting = { ...core, admission: submission, accounts };
  const relay = createRelay(options, surroundings, { ...admitting, settings: relaySettings });
  const followers = reached && new FollowerLinks({ ...admitting, ...reached, clock, logger, faults });
  const sync = new SyncManager({
    ...core,
    kernels: createWasmKernels({ bytesMax: kernelBytesOf(options) }),
    dialer: createWsDialer({
      clock,
      faults,
      allowPrivate: options.syncAllowPrivateRelays,
      onionProxy: options.onionProxy,
    }),
    clock,
    random: surroundings.random,
    logger,
    metrics: new SyncMetrics(registry),
    settings: syncSettingsOf(options, shares),
    ownService,
    identity,
  });
  const holdSync = () => sync.hold(disk.isLow || storeOutage.reason !== undefined);
  disk.onChange(holdSync);
  storeOutage.onChange(holdSync);
  const stop = new AbortController();
  // As many listeners as there is work under way: no leak.
  setMaxListeners(0, stop.signal);
  const { receive, promotion, prs } = createHosting(core, current, surroundings, accounts, stop.signal);
  const remote = createGitRemote(core, current, surroundings);
  const gitSync = createGitSync(core, current, surroundings, { promotion, sync, remote }, stop.signal);
  examineHeld(core, promotion, gitSync);
  const gitHttp = createGitHttp({
    ...core,
    receive,
    prsReceive: prs?.receive,
    hasLapsed: (repository) => core.purgatory.lapsedAnnouncementOf(repository) !== undefined,
    pages: {
      ...core,
      heldAnnouncement: (repository) => core.purgatory.announcementOf(repository)?.event,
      publicAddress: publicAddressOf(options),
    },
    clock,
    logger,
    settings: current.settings(gitHttpSettingsOf),
  });
  core.refChanges.onChange((gitDir) => gitHttp.refsChanged(gitDir));
  const isAdmin = (pubkey: string) => pubkey === identity.pubkey || current.now.adminPubkeys.includes(pubkey);
  const moderation = createModeration(core, options, surroundings, {
    isAdmin,
    endBlocked: () => http.endBlocked(),
    signal: stop.signal,
  });
  const isOwnUrl = (url: string) => isRelayUrl(options, url);
  const management = new Management({ moderation, verifier, clock, accounts, isAdmin, isOwnUrl });
  const { domain } = options;
  let address = options.bindAddress;
  const reported = { domain, address: () => formatBindAddress(address), startedAtMs: clock.now() };
  const nodes = () => core.lease && nodesReport('writer', core.lease(), nodeUrl, followers?.followers ?? []);
  const web = createWeb(current, { ...core, ...reported, sync, gitSync, moderation, nodes }, surroundings);
  const http = createHttpService({
    root: relayRoute(
      () => informationOf(current.now, identity.pubkey, core.moderationLists),
      relayUrlOf(options),
      { manage: (request, response) => management.handle(request, response), ...web.frontPage },
    ),
    metrics: options.metricsEnabled ? aliasedMetrics(registry, graspAliases, clock) : undefined,
    readiness: () => readinessOf(sync, storeOutage),
    onUpgrade: followersFirst(followers, relay.handleUpgrade),
    routes: [...web.routes, ...gitHttp.routes],
    trustedProxies: options.trustedProxy,
    get connectionsMax() {
      return (relaySettings.connectionsMax ?? 0) + limits.httpSpareConnectionsMax;
    },
    accounts,
    blocked: core.moderationLists.addresses,
    clock,
    logger,
    faults,
  });
  // The port closes while the relay says good-bye, so that nobody new comes in between.
  stack.defer(async () => {
    web.close();
    await Promise.all([http.close(), relay.close(), followers?.close()]);
  });
  address = await http.listen(socket ?? options.bindAddress);
  const stopped = runUntilReleased(
    core,
    { sync, promotion, gitSync, prs, moderation, web },
    surroundings,
    stop,
    stack,
  );
  const eventsAtStart = store.size;
  logger.info(
    { address: formatBindAddress(address), domain: options.domain, events: eventsAtStart },
    'listening',
  );
  const reloader = stack.use(
    new Reloader({ ...core, current, sync, givenValues, started, clock, logger, onTaken: sayIfTooMany }),
  );
  const backups = new BackupDesk({ ...core, domain, clock, log: logger });
  const imports = new ImportDesk({ ...core, clock, log: logger });
  const control = await serveControl(
    options,
    {
      ...core,
      ...reported,
      sync,
      gitSync,
      reloader,
      moderation,
      backups,
      imports,
      clock,
      options: () => current.now,
    },
    surroundings,
  );
  if (control !== undefined) stack.use(control);
  return {
    address,
    owner,
    registry,
    eventsAtStart,
    reload: (accepted) => reloader.reload(accepted),
    closed: Promise.race([core.failed, stopped]),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** The store is open when this is asked; what takes time is reading from it which relays there are. */
function readinessOf(sync: SyncManager, { reason }: Pick<StoreOutage, 'reason'>): Readiness {
  const reasons = [
    ...(sync.status().isLoaded ? [] : ['the first list of relays is still being read from the store']),
    ...(reason === undefined ? [] : [`the database is away: ${reason}`]),
  ];
  return { ready: reasons.length === 0, reasons };
}
