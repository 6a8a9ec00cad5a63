import { Registry } from 'prom-client';
import { AdmissionMetrics } from '../../../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../../../src/admission/admission-pipeline.js';
import { limits } from '../../../../src/config/limits.js';
import { FollowerLinks } from '../../../../src/daemon/nodes/links/follower-links.js';
import { ClientSubmission } from '../../../../src/daemon/store/client-submission.js';
import { StoreOutage } from '../../../../src/daemon/store/store-outage.js';
import { deferred } from '../../../../src/lib/abort.js';
import type { ReleaseStack } from '../../../../src/lib/release-stack.js';
import { ModerationLists } from '../../../../src/moderation/lists.js';
import { Nip34WritePolicy } from '../../../../src/policy/nip34-write-policy.js';
import { eventBanned } from '../../../../src/policy/policy-context.js';
import { RepositoryDirectory } from '../../../../src/repositories/repository-directory.js';
import { RepositoryServing } from '../../../../src/repositories/serving.js';
import type { OpenedStore } from '../../../../src/store/opened-store.js';
import { accountsOf } from '../../../support/accounts.js';
import { hostingRules } from '../../../support/hosting-rules.js';
import { createFakeVerifier } from '../../daemon/fake-verifier.js';
import type { LifeParts } from './node-life.js';
import { relayOf } from './relay-of.js';

const hotCacheDurationMs = 120_000;

/**
 * Takes events and tells those that follow, until the stack is unwound: as the daemon does, without a port, git and sync.
 * `failed` rejects when the store can no longer be written.
 */
export async function startWriterSide(
  parts: LifeParts,
  opened: OpenedStore,
  stack: ReleaseStack,
): Promise<{ readonly failed: Promise<never> }> {
  const { node, secret, clock, faults, logger, network, report, serve } = parts;
  const { store, refused } = opened;
  stack.use(store);
  const failed = deferred<never>();
  opened.lost?.catch(failed.reject);
  for (const loss of opened.losses) report(`something of the log is missing: ${loss}`);
  const registry = new Registry();
  const outage = new StoreOutage({ opened, clock, logger, registry });
  const stop = new AbortController();
  const watching = outage.watch(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await watching;
  });
  const rules = { ...hostingRules('service.example'), archiveAll: true };
  const serving = new RepositoryServing(rules);
  const directory = new RepositoryDirectory(serving);
  await directory.load(store);
  const lists = await ModerationLists.load(opened.journal);
  const policy = new Nip34WritePolicy({ serving, store, directory, eventBlacklist: new Set(), bans: lists });
  const admission = stack.use(
    new AdmissionPipeline({
      ...{ store, refused, policy, clock, hotCacheDurationMs },
      verifier: createFakeVerifier(),
      metrics: new AdmissionMetrics(registry),
      log: { error: (details) => report(`an event made admission fail: ${JSON.stringify(details)}`) },
      effects: { run: () => {} },
      onStoreFailure: failed.reject,
    }),
  );
  const submission = new ClientSubmission(admission, outage);
  const relay = relayOf(parts, submission, store);
  const followers = new FollowerLinks({
    ...{ secret, admission: submission, registry, clock, logger, faults },
    accounts: accountsOf({}, clock),
    moderationLists: lists,
  });
  const unlisten = network.listen({
    node,
    clock,
    secret,
    welcome: (socket) => followers.welcome(socket, undefined),
  });
  stack.defer(async () => {
    unlisten();
    relay[Symbol.dispose]();
    await followers.close();
  });
  const sweeping = sweepUntil(stop.signal, admission, parts).catch(failed.reject);
  // What a process before this one banned and did not take away any more.
  const banned = [...lists.entries('banned-event').keys()].filter((id) => store.has(id));
  const takingAway = admission.takeAway(banned, eventBanned).catch(() => {});
  stack.defer(async () => {
    stop.abort();
    await Promise.all([sweeping, takingAway]);
  });
  stack.defer(serve({ relay, store, feed: admission.feed, writing: { admission, lists, opened } }));
  return { failed: failed.promise };
}

async function sweepUntil(
  signal: AbortSignal,
  admission: AdmissionPipeline,
  { clock }: LifeParts,
): Promise<void> {
  while (!signal.aborted) {
    await admission.sweep();
    await clock.sleep(limits.expirySweepIntervalMs, signal).catch(() => {});
  }
}
