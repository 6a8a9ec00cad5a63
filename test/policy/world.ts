import { Registry } from 'prom-client';
import { parseRepositoryPattern, type RepositoryPattern } from '../../src/config/repository-pattern.js';
import { eventHash, type NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import type { Effect } from '../../src/policy/decision.js';
import { Nip34WritePolicy } from '../../src/policy/nip34-write-policy.js';
import { Purgatory } from '../../src/purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../src/purgatory/purgatory-metrics.js';
import { RepositoryDirectory, type RepositoryId } from '../../src/repositories/repository-directory.js';
import { RepositoryServing, type ServingRules } from '../../src/repositories/serving.js';
import { storedPullRequests } from '../../src/repositories/stored-pull-requests.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { roomySettings } from '../purgatory/holding-world.js';
import { counterFrom } from '../support/counters/counter.js';
import { hostingRules } from '../support/hosting-rules.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** A public key that no secret is known of: policy never looks at signatures. */
export function key(number: number): string {
  return (number + 1).toString(16).padStart(8, '0').repeat(8);
}

export const domain = 'git.example.com';

const nextSecond = counterFrom(1_700_000_000);

/** An event with its true id; each is a second younger than the one before. */
export function event(
  pubkey: string,
  kind: number,
  tags: string[][],
  more: Partial<NostrEvent> = {},
): NostrEvent {
  const made = {
    id: '',
    pubkey,
    created_at: nextSecond(),
    kind,
    tags,
    content: '',
    sig: '0'.repeat(128),
    ...more,
  };
  return { ...made, id: eventHash(made) };
}

export const here = {
  clone: `https://${domain}/npub/repo.git`,
  relay: `wss://${domain}`,
};

/** An announcement; it lists our service unless told otherwise. */
export function announcement(
  pubkey: string,
  identifier: string,
  more: { clone?: string[]; relays?: string[]; maintainers?: string[]; tags?: string[][] } = {},
): NostrEvent {
  const { clone = [here.clone], relays = [here.relay], maintainers = [], tags = [] } = more;
  return event(pubkey, 30617, [
    ['d', identifier],
    ['clone', ...clone],
    ['relays', ...relays],
    ['maintainers', ...maintainers],
    ...tags,
  ]);
}

/** An announcement of a repository that lives elsewhere. */
export function foreign(pubkey: string, identifier: string, maintainers: string[] = []): NostrEvent {
  const elsewhere = { clone: ['https://elsewhere.example/a.git'], relays: ['wss://elsewhere.example'] };
  return announcement(pubkey, identifier, { ...elsewhere, maintainers });
}

export function state(pubkey: string, identifier: string, ...tags: string[][]): NostrEvent {
  return event(pubkey, 30618, [['d', identifier], ...tags]);
}

export function address(pubkey: string, identifier: string): string {
  return `30617:${pubkey}:${identifier}`;
}

export const commit = 'c'.repeat(40);

export function pullRequest(
  pubkey: string,
  repositories: string[],
  more: string[][] = [['c', commit]],
): NostrEvent {
  return event(pubkey, 1618, [...repositories.map((value) => ['a', value]), ...more]);
}

export function patterns(...texts: string[]): RepositoryPattern[] {
  return texts.map((text) => {
    const pattern = parseRepositoryPattern(text);
    if (pattern === undefined) throw new TypeError(`'${text}' is no entry`);
    return pattern;
  });
}

export { npubOf };

type Settings = Partial<Omit<ServingRules, 'ownService'>> & {
  domain?: string;
  bindAddress?: string;
  eventBlacklist?: string[];
  /** Whether events are held until their git data is here; else all that is acceptable is taken at once. */
  holds?: boolean;
};

/** A policy over a store in memory, and what admission does with them. */
export function world(settings: Settings = {}) {
  const { domain: ownDomain = domain, bindAddress, eventBlacklist = [], holds = false, ...rules } = settings;
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const { store, refused, journal } = createMemoryStore({ clock });
  const serving = new RepositoryServing({ ...hostingRules(ownDomain, bindAddress), ...rules });
  const directory = new RepositoryDirectory(serving);
  const registry = new Registry();
  const purgatory = new Purgatory({
    journal,
    clock,
    settings: roomySettings,
    metrics: new PurgatoryMetrics(registry),
    listener: directory,
  });
  const policy = new Nip34WritePolicy({
    serving,
    directory,
    store,
    eventBlacklist: new Set(eventBlacklist),
    ...(holds ? { purgatory } : {}),
  });
  const effects: Effect[] = [];

  /**
   * What becomes of an event: `accept`, `known`, `hold` where it waits for git data, `hang` where it hangs on what does, or
   * the reason for which it is refused.
   */
  function submit(submitted: NostrEvent): string {
    const early = policy.precheck(submitted);
    const status = store.preview(submitted);
    if (status !== 'stored' && status !== 'ephemeral') return 'known';
    const decision = policy.decide(submitted);
    if (early !== undefined && (decision.type !== 'reject' || decision.reason !== early)) {
      throw new Error(`precheck and decision differ: ${early}`);
    }
    if (decision.type === 'reject') return decision.reason;
    if (decision.type === 'hold') {
      purgatory.hold(submitted, { addressGroup: undefined, parents: decision.parents });
      effects.push(...decision.effects);
      return decision.parents.length > 0 ? 'hang' : 'hold';
    }
    if (status === 'stored') {
      const { removed } = store.put(submitted);
      effects.push(...decision.effects, ...policy.onRemoved(removed));
      policy.onStored(submitted);
    }
    return 'accept';
  }

  /** Stores a held event. */
  function promote(held: NostrEvent): void {
    store.put(held);
    policy.onStored(held);
    void purgatory.release(held.id, 'promoted');
  }

  /** The ids of the stored pull requests that name a repository. */
  async function pullRequestsOf(repository: RepositoryId): Promise<string[]> {
    const found: string[] = [];
    for await (const ids of storedPullRequests({ directory, store }, repository)) found.push(...ids);
    return found.sort();
  }

  return {
    store,
    refused,
    journal,
    clock,
    serving,
    directory,
    registry,
    purgatory,
    policy,
    effects,
    submit,
    promote,
    pullRequestsOf,
  };
}

export type World = ReturnType<typeof world>;
