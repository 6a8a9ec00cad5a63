import { limits } from '../config/limits.js';
import { MemoryBudget, type MemoryHolder } from '../lib/budgets/memory-budget.js';
import { relayDomain } from '../nostr/relay-url.js';

/** Memory of an id that is held, with its place in a queue or set. */
export const heldIdBytes = 144;
/** Memory of a message that waits, and of an event, beside its characters. */
export const heldMessageBytes = 64;
export const heldEventBytes = 1_024;
/** Memory of a range that a reconciliation has still to ask about. */
export const heldRangeBytes = 320;
/** Memory of what is known of one topic of one relay. */
export const heldTopicBytes = 256;

/**
 * What remotes make us hold, in bytes, all of them together, with a share for a domain and a relay. There it is never full
 * by what cannot go on: who finds no room is not read until what it sent before is dealt with.
 */
export class HeldMemory {
  readonly #remotes = budgetOf(limits.remotesMemoryBytesMax);
  readonly #unserved = budgetOf(limits.unservedMemoryBytesMax);
  readonly #topics = budgetOf(limits.topicsMemoryBytesMax);
  readonly #topicsOfOperator = budgetOf(Number.POSITIVE_INFINITY);

  /** Without what is known of topics. */
  get bytes(): number {
    return this.#remotes.bytes + this.#unserved.bytes;
  }

  /** The account of a connection. A relay that the operator gave has a share of its own. */
  ofConnection(relay: string, isTrusted: boolean): MemoryHolder {
    return this.#remotes.holder(groupOf(relay, isTrusted));
  }

  /** The account of the ids that a relay did not serve, which are forgotten where others need the room. */
  ofUnserved(relay: string, isTrusted: boolean, forget: () => void): MemoryHolder {
    return this.#unserved.holder(groupOf(relay, isTrusted), forget);
  }

  /** The account of what is known of the topics of a relay: where others need the room, who has most gives way. */
  ofTopics(relay: string, isTrusted: boolean, giveWay: () => void): MemoryHolder {
    if (isTrusted) return this.#topicsOfOperator.holder(undefined);
    return this.#topics.holder(groupOf(relay, isTrusted), giveWay);
  }
}

function budgetOf(totalBytes: number): MemoryBudget {
  return new MemoryBudget({
    totalBytes,
    groupBytes: totalBytes * limits.domainMemoryShareMax,
    holderBytes: totalBytes * limits.remoteMemoryShareMax,
  });
}

function groupOf(relay: string, isTrusted: boolean): string | undefined {
  return isTrusted ? undefined : relayDomain(relay);
}
