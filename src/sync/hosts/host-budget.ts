import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { Slots } from '../../lib/turns/slots.js';
import { relayDomain, relayHost } from '../../nostr/relay-url.js';

/**
 * What all URLs of one host share, whatever their paths, queries and ports, for one party runs them all (docs/sync.md):
 * one dial at a time, a few batches of catch-up, and a pause after a failed dial.
 */
export class HostBudget {
  /** Who shares the turns of catch-up: the domain of the host, or the relay itself where the operator gave it. */
  readonly party: string;
  readonly dials = new Slots(1);
  readonly transfers = new Slots(limits.syncTransfersPerHostMax);
  /** Whether the last dial of a URL of this host failed. */
  hasFailed = false;
  #restUntil = Number.NEGATIVE_INFINITY;
  /** URLs of the host that are tracked. */
  users = 0;

  constructor(party: string) {
    this.party = party;
  }

  /** How long a URL that was never connected still has to wait after another URL of the host failed. */
  restMs(now: number): number {
    return this.#restUntil - now;
  }

  connected(): void {
    this.hasFailed = false;
  }

  failed(now: number, restMs: number): void {
    this.hasFailed = true;
    this.#restUntil = now + restMs;
  }
}

/** The budgets by host. Those of hosts that are tracked no more are kept for a while, in case they are named again. */
export class HostBudgets {
  readonly #budgets = new Map<string, HostBudget>();
  /** Hosts without a tracked URL, oldest first. */
  readonly #idle = new Set<string>();

  /** The budget that a URL shares. One that the operator gave has its own, whatever strangers name beside it. */
  take(relay: string, isTrusted: boolean): HostBudget {
    const key = keyOf(relay, isTrusted);
    const budget = this.#budgets.get(key) ?? new HostBudget(isTrusted ? relay : relayDomain(relay));
    this.#budgets.set(key, budget);
    this.#idle.delete(key);
    budget.users += 1;
    return budget;
  }

  /** Whether the last dial of a relay at that host failed. */
  hasFailed(host: string): boolean {
    return this.#budgets.get(host)?.hasFailed === true;
  }

  /** The URL is tracked no more. */
  giveBack(relay: string, isTrusted: boolean): void {
    const key = keyOf(relay, isTrusted);
    const budget = this.#budgets.get(key);
    if (budget === undefined) return;
    budget.users -= 1;
    if (budget.users > 0) return;
    this.#idle.add(key);
    if (!exceeds('syncHostsRememberedMax', this.#idle.size)) return;
    for (const oldest of this.#idle) {
      this.#idle.delete(oldest);
      this.#budgets.delete(oldest);
      return;
    }
  }
}

function keyOf(relay: string, isTrusted: boolean): string {
  return isTrusted ? relay : relayHost(relay);
}
