import { formatBindAddress } from '../config/host.js';
import { limits } from '../config/limits.js';
import type { Options } from '../config/options.js';
import type { GitHttpSettings } from '../git-http/git-http.js';
import type { PackLimits } from '../hosting/incoming-pack.js';
import type { AddressLimits } from '../lib/budgets/address-accounts.js';
import { dayMs, minuteMs, secondMs } from '../lib/clock.js';
import type { DiskUseSettings, RepositoryDisk } from '../maintenance/disk-use.js';
import { OwnService } from '../nostr/relay-url.js';
import type { QuotaSettings } from '../policy/key-quotas.js';
import type { HeldSettings } from '../purgatory/held-counts.js';
import { fixedRelaySettings, type RelaySettings, violationLimits } from '../relay/settings.js';
import type { ServingRules } from '../repositories/serving.js';
import { defaultSyncSettings, type SyncSettings } from '../sync/settings.js';
import type { DescriptorShares } from './descriptors.js';

const bytesPerMegabyte = 1_000_000;
const bytesPerGigabyte = 1_000_000_000;

/** Our own service, as announcements and relay URLs may name it. */
export function ownServiceOf(options: Options): OwnService {
  return new OwnService(options.domain, formatBindAddress(options.bindAddress));
}

/** What the operator decided about repositories, as the policy takes it. */
export function servingRulesOf(options: Options): ServingRules {
  return { ...options, ownService: ownServiceOf(options) };
}

/** Public keys in hex of whose events none is taken. */
export function blacklistOf({ eventBlacklist }: Options): { readonly authors: ReadonlySet<string> } {
  return { authors: new Set(eventBlacklist) };
}

/** What keys may have stored here. */
export function quotaSettingsOf(options: Options): QuotaSettings {
  return {
    keyRepositoriesMax: options.keyRepositories,
    keyEventsMax: options.keyEvents,
    keyBytesMax: options.keyEventsMb * bytesPerMegabyte,
    repositoriesMax: options.repositories,
  };
}

/** How much git may do for clients at once. */
export function gitHttpSettingsOf(options: Options): GitHttpSettings {
  return {
    uploadsMax: options.gitUploadsMax,
    receivesMax: options.gitReceivesMax,
    waitingMax: options.gitWaitingMax,
    msMax: options.gitMinutesMax * minuteMs,
    // A pack that is too large is refused with its reason, for which it has to be read; what is far too large is not.
    pushBytesMax: 2 * options.gitPushMaxMb * bytesPerMegabyte,
  };
}

/** What announced repositories may take on the disk. */
export function diskUseSettingsOf(
  { repositoryMaxMb, repositoriesMaxGb }: Options,
  disk: RepositoryDisk,
): DiskUseSettings {
  return {
    repository: {
      bytesMax: repositoryMaxMb * bytesPerMegabyte,
      refusal: `the repository has no room: one may take ${repositoryMaxMb} MB on this server (--repository-max-mb)`,
    },
    sparedRefusal: 'this repository has no room for more pull requests (--repository-max-mb)',
    repositories: {
      bytesMax: repositoriesMaxGb * bytesPerGigabyte,
      refusal: `there is no room: all repositories of this server may take ${repositoriesMaxGb} GB (--repositories-max-gb)`,
    },
    disk,
  };
}

/** How many repositories may wait for their git data. */
export function heldSettingsOf(options: Options): HeldSettings {
  return {
    keyHeldRepositoriesMax: options.keyHeldRepositories,
    heldRepositoriesMax: options.heldRepositories,
  };
}

/** What a pack that is pushed may take. */
export function pushedPackLimitsOf({ gitPushMaxMb, gitMinutesMax }: Options): PackLimits {
  return {
    bytesMax: gitPushMaxMb * bytesPerMegabyte,
    bytesMaxIs: '--git-push-max-mb',
    objectsMax: limits.pushObjectsMax,
    msMax: gitMinutesMax * minuteMs,
  };
}

/** What a pack that is fetched from another server may take. */
export function fetchedPackLimitsOf({ gitFetchMaxMb, gitMinutesMax }: Options): PackLimits {
  return {
    bytesMax: gitFetchMaxMb * bytesPerMegabyte,
    bytesMaxIs: '--git-fetch-max-mb',
    objectsMax: limits.gitFetchObjectsMax,
    msMax: gitMinutesMax * minuteMs,
  };
}

/** How much git data is fetched from other servers at once, and how fast. */
export function gitSyncSettingsOf({ gitFetchesMax, gitSyncHostPerMinute }: Options) {
  return { fetchesMax: gitFetchesMax, hostFetchesPerMinuteMax: gitSyncHostPerMinute };
}

/** Git processes that stream at once, at most. */
export function gitProcessesOf({ gitUploadsMax, gitReceivesMax, gitFetchesMax }: Options): number {
  const { gitAdvertisersMax, pagesMadeAtOnceMax } = limits;
  return gitUploadsMax + gitReceivesMax + gitFetchesMax + gitAdvertisersMax + pagesMadeAtOnceMax;
}

/** The options of the relay; the rest are fixed limits. */
export function relaySettingsOf(options: Options, shares: DescriptorShares): RelaySettings {
  return {
    ...fixedRelaySettings,
    connectionsMax: connectionsMaxOf(options, shares),
    memoryBytesMax: options.clientMemoryMaxMb * bytesPerMegabyte,
    eventsPerMinuteMax: options.clientEventsPerMinute === 0 ? undefined : options.clientEventsPerMinute,
  };
}

/** The most WebSockets of clients: what the operator chose, as far as there are descriptors. */
function connectionsMaxOf({ maxConnections }: Options, shares: DescriptorShares): number {
  return Math.min(maxConnections ?? Number.POSITIVE_INFINITY, shares.connectionsMax);
}

/** Memory of one of the two kernels, that of clients and that of sync. */
export function kernelBytesOf({ kernelMemoryMaxMb }: Options): number {
  return (kernelMemoryMaxMb * bytesPerMegabyte) / 2;
}

/** What the clients of one address may take together. */
export function addressLimitsOf(options: Options): AddressLimits {
  const eventsPerMinuteMax = options.addressEventsPerMinute;
  return {
    connectionsMax: options.addressConnections,
    requestsPerMinuteMax: limits.addressRequestsPerMinuteMax,
    pushesPerMinuteMax: limits.addressPushesPerMinuteMax,
    failedAuthorizationsPerMinuteMax: limits.addressFailedAuthorizationsPerMinuteMax,
    bytesPerMinuteMax: limits.addressBytesPerMinuteMax,
    violations: violationLimits,
    // Who may publish without end, as many as they like, may publish as much.
    eventsPerMinuteMax: eventsPerMinuteMax === 0 ? undefined : eventsPerMinuteMax,
    strangerEventsPerDayMax: limits.addressStrangerEventsPerDayMax,
    eventBytesPerMinuteMax: eventsPerMinuteMax === 0 ? undefined : limits.addressEventBytesPerMinuteMax,
  };
}

/** The options of sync, in the units that it uses. */
export function syncSettingsOf(options: Options, shares: DescriptorShares): SyncSettings {
  return {
    ...defaultSyncSettings,
    relaysMax: shares.relaysMax,
    bootstrapRelays: options.syncBootstrapRelayUrl,
    startupDelayMs: options.syncStartupDelaySecs * secondMs,
    startupJitterMs: options.syncStartupJitterMs,
    batchDelayMs: options.syncBatchDelaySecs * secondMs,
    reconnectDelayMs: options.syncReconnectDelaySecs * secondMs,
    reconnectLookbackMs: options.syncReconnectLookbackDays * dayMs,
    tagsPerFilterMax: options.syncMaxTagsPerFilter,
    filtersPerConnectionMax: options.syncMaxSubscriptions,
    backoffBaseMs: options.syncBaseBackoffSecs * secondMs,
    backoffMaxMs: options.syncMaxBackoffSecs * secondMs,
    deadThresholdMs: options.syncDeadThresholdSecs * secondMs,
    deadRetryMs: options.syncDeadRetrySecs * secondMs,
    negentropyDisabled: options.syncDisableNegentropy,
    allowPrivateRelays: options.syncAllowPrivateRelays,
    batchWindowMs: options.syncBatchWindowMs,
  };
}
