import { resolve } from 'node:path';
import { Registry } from 'prom-client';
import { createPoolVerifier } from '../../admission/verification/pool-verifier.js';
import { backgroundTurns } from '../../config/background-turns.js';
import { formatBindAddress } from '../../config/host.js';
import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import type { Readiness } from '../../http/built-in-routes.js';
import { createHttpService } from '../../http/http-service.js';
import { exactly } from '../../http/route.js';
import { AddressAccounts } from '../../lib/budgets/address-accounts.js';
import { secondMs } from '../../lib/clock.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { BlockedAddresses } from '../../moderation/blocked-addresses.js';
import type { HeldLease } from '../../store/opened-store.js';
import { openPostgresFollower } from '../../store/postgres/open-postgres-follower.js';
import type { NodeStatusReport } from '../../web/status/status-report.js';
import { descriptorLimit, descriptorShares } from '../descriptors.js';
import { aliasedMetrics } from '../metrics/aliased-metrics.js';
import { graspAliases } from '../metrics/metric-aliases.js';
import { isoTime } from '../operator/reports.js';
import { collectProcessMetrics, watchAddresses, watchFaults, watchLimits } from '../process-metrics.js';
import { createRelay } from '../relay.js';
import { addressLimitsOf, gitProcessesOf, relaySettingsOf } from '../settings.js';
import { postgresSettingsOf } from '../store/open-store.js';
import { watchStore } from '../store/store-metrics.js';
import type { Surroundings } from '../surroundings.js';
import { FollowedFeed } from './followed-feed.js';
import { FollowerMetrics } from './follower-metrics.js';
import { followerRoutes } from './follower-routes.js';
import { followersFirst } from './links/follower-links.js';
import { type WriterAddress, WriterLink } from './links/writer-link.js';
import { shownNodeUrl } from './node-url.js';
import { nodesReport } from './nodes-report.js';
import { PassOn } from './pass-on.js';
import { PublishedElsewhere } from './published-elsewhere.js';

/** What a graspd that follows knows of itself, and of the lease that another one has. */
export type OwnNode = {
  /** Where the others reach it. */
  readonly url: string;
  readonly lease: () => HeldLease;
};

/** A graspd that serves what another one writes to the same database. Disposing of it ends its port and its connections. */
export type Follower = AsyncDisposable & {
  /** Another one writes from now on. */
  moveTo(writer: WriterAddress): void;
  /** Rejects when it cannot go on; never resolves. */
  readonly failed: Promise<never>;
};

/**
 * Reads the index, and then serves what clients ask of the relay from it; what they publish, and all other requests, go to
 * the one that writes. Rejects as `openPostgresFollower` and the port do.
 */
export async function startFollower(
  options: Options,
  surroundings: Surroundings,
  writer: WriterAddress,
  node: OwnNode,
): Promise<Follower> {
  const stack = new ReleaseStack();
  try {
    return await start(options, surroundings, writer, node, stack);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(
  options: Options,
  surroundings: Surroundings,
  writer: WriterAddress,
  node: OwnNode,
  stack: ReleaseStack,
): Promise<Follower> {
  const { clock, faults, logger } = surroundings;
  const registry = new Registry();
  const metrics = new FollowerMetrics(registry);
  const turns = backgroundTurns(clock, 'catch-up');
  const followed = stack.use(
    await openPostgresFollower({
      ...(await postgresSettingsOf(options)),
      path: resolve(options.relayDataPath),
      ...{ clock, turns },
      refusedExpiryMs: options.rejectedColdIndexExpirySecs * secondMs,
      onTailed: metrics.tailed,
    }),
  );
  const { store } = followed;
  stack.defer(collectProcessMetrics(registry));
  watchLimits(registry);
  watchFaults(registry, faults);
  watchStore(registry, followed);
  const onServed = (sequence: number) => link.tellServed(sequence);
  const feed = new FollowedFeed({ followed, clock, faults, metrics, turns, onServed });
  const blocked = new Blocked();
  let current = writer;
  const url = shownNodeUrl(node.url);
  const link = new WriterLink(writer, {
    url,
    clock,
    faults,
    onMessage(message) {
      if (message.type === 'written') feed.written(message.sequence);
      else if (message.type === 'ephemeral') feed.passOn(message.event);
      else {
        blocked.addresses = addressesOf(message.networks);
        http.endBlocked();
      }
    },
  });
  metrics.watchLink(link);
  const accounts = new AddressAccounts(clock, addressLimitsOf(options), limits.addressAccountsMax);
  watchAddresses(registry, accounts);
  const shares = descriptorShares(descriptorLimit(), options.verifyWorkers, gitProcessesOf(options));
  const settings = relaySettingsOf(options, shares);
  const verifier = stack.use(
    // For authentication alone.
    createPoolVerifier({ workers: 1, library: options.signatureLibrary, faults }),
  );
  const admission = new PublishedElsewhere(link, feed);
  const relay = createRelay(options, surroundings, {
    ...{ store, registry, admission, accounts, verifier, settings },
  });
  const passing = stack.use(new PassOn(() => current.url, clock));
  const report = (): NodeStatusReport => {
    const self = { url, sinceMs: link.sinceMs, behind: feed.behind };
    return { at: isoTime(clock.now()), nodes: nodesReport('follower', node.lease(), current.url, [self]) };
  };
  const http = createHttpService({
    root: passing.route(exactly('/')),
    routes: followerRoutes({ passing, isConnected: () => link.isOpen, report, options }),
    metrics: options.metricsEnabled ? aliasedMetrics(registry, graspAliases, clock) : undefined,
    readiness: () => readinessOf(feed),
    onUpgrade: followersFirst(undefined, relay.handleUpgrade),
    trustedProxies: options.trustedProxy,
    connectionsMax: (settings.connectionsMax ?? 0) + limits.httpSpareConnectionsMax,
    accounts,
    blocked,
    clock,
    logger,
    faults,
  });
  stack.defer(async () => {
    // Where nobody takes the events in hand, nobody waits for what becomes of them.
    if (!link.isOpen) link[Symbol.dispose]();
    await Promise.all([http.close(), relay.close()]);
    link[Symbol.dispose]();
  });
  const stop = new AbortController();
  const run = feed.run(stop.signal);
  // Before the port is closed, so that what is answered meanwhile is not waited for.
  stack.defer(async () => {
    stop.abort();
    await run.catch(() => {});
  });
  const address = await http.listen(options.bindAddress);
  logger.info(
    { address: formatBindAddress(address), events: store.size, writer: writer.url },
    'serving what another graspd writes',
  );
  return {
    moveTo(next) {
      current = next;
      link.moveTo(next);
      logger.info({ writer: next.url }, 'another graspd writes from now on');
    },
    failed: run.then(() => new Promise<never>(() => {})),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** Which addresses are blocked, as the one that writes said last. */
class Blocked {
  addresses = new BlockedAddresses();

  has(group: string): boolean {
    return this.addresses.has(group);
  }
}

function addressesOf(networks: readonly string[]): BlockedAddresses {
  const addresses = new BlockedAddresses();
  for (const network of networks) addresses.add(network);
  return addresses;
}

/** One that has lost the other that writes is of use still: what is stored is served. */
function readinessOf({ awayReason }: FollowedFeed): Readiness {
  const reasons = awayReason === undefined ? [] : [`the database is away: ${awayReason}`];
  return { ready: reasons.length === 0, reasons };
}
