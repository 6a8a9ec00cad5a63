import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';
import type { RemovedEvent } from '../store/event-store.js';
import { AnnouncementPolicy } from './announcement-policy.js';
import { type Decision, type Effect, reject, withoutHolding } from './decision.js';
import { effectsOfDeparture } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { PrEventPolicy } from './pr-event-policy.js';
import { RelatedEventPolicy } from './related-event-policy.js';
import { retryCandidates } from './retry-candidates.js';
import { StatePolicy } from './state-policy.js';
import { StoredRelations } from './stored-relations.js';
import { refusalOfTags } from './structure.js';
import type { WritePolicy } from './write-policy.js';

/** Of the authors on the event blacklist. */
export const authorBlacklisted = 'blocked: the author is on the blacklist';

/**
 * The router: refuses the authors on the event blacklist, what is banned and what has too many tags, then lets one sub-policy decide,
 * by kind.
 */
export class Nip34WritePolicy implements WritePolicy {
  readonly #context: PolicyContext;
  readonly #byKind: ReadonlyMap<number, Judge>;
  readonly #others: Judge;

  constructor(context: PolicyContext) {
    const relations = new StoredRelations(context);
    const pullRequests = judgeBy(new PrEventPolicy(context, relations));
    this.#context = context;
    this.#byKind = new Map<number, Judge>([
      [kinds.repositoryAnnouncement, judgeBy(new AnnouncementPolicy(context))],
      [kinds.repositoryState, judgeBy(new StatePolicy(context))],
      [kinds.pullRequest, pullRequests],
      [kinds.pullRequestUpdate, pullRequests],
    ]);
    this.#others = judgeBy(new RelatedEventPolicy(context, relations));
  }

  precheck(event: NostrEvent): string | undefined {
    return this.#refusalOf(event) ?? this.#judgeOf(event).precheck(event);
  }

  decide(event: NostrEvent): Decision {
    const refusal = this.#refusalOf(event);
    if (refusal !== undefined) return reject(refusal);
    const decision = this.#judgeOf(event).decide(event);
    return this.#context.purgatory === undefined ? withoutHolding(decision) : decision;
  }

  onStored(event: NostrEvent): void {
    this.#context.directory.onStored(event);
  }

  onRemoved(removed: readonly RemovedEvent[]): readonly Effect[] {
    const { directory } = this.#context;
    return effectsOfDeparture(directory, directory.onRemoved(removed));
  }

  retryCandidates(event: NostrEvent): Filter[] {
    return retryCandidates(event);
  }

  /** Why nothing else is asked about the event. */
  #refusalOf(event: NostrEvent): string | undefined {
    const { eventBlacklist, bans } = this.#context;
    if (eventBlacklist.has(event.pubkey)) return authorBlacklisted;
    return bans?.refusalOf(event) ?? refusalOfTags(event);
  }

  #judgeOf({ kind }: NostrEvent): Judge {
    return this.#byKind.get(kind) ?? this.#others;
  }
}

/** A sub-policy with its two steps put together. */
type Judge = Pick<WritePolicy, 'precheck' | 'decide'>;

function judgeBy<Subject>(policy: SubPolicy<Subject>): Judge {
  return {
    precheck(event) {
      const read = policy.read(event);
      return 'reason' in read ? read.reason : undefined;
    },
    decide(event) {
      const read = policy.read(event);
      return 'reason' in read ? reject(read.reason) : policy.decide(event, read.value);
    },
  };
}
