import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';
import type { RemovedEvent } from '../store/event-store.js';
import { Anchors } from './anchors.js';
import { AnnouncementPolicy } from './announcement-policy.js';
import { type Decision, type Effect, reject } from './decision.js';
import { effectsOfDeparture } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { PrEventPolicy } from './pr-event-policy.js';
import { RelatedEventPolicy } from './related-event-policy.js';
import { revivedBy } from './revived-by.js';
import { StatePolicy } from './state-policy.js';
import type { WritePolicy } from './write-policy.js';

const authorBlacklisted = 'blocked: the author is on the blacklist';

/** The router: refuses the authors on the event blacklist, then lets one sub-policy decide, by kind. */
export class Nip34WritePolicy implements WritePolicy {
  readonly #context: PolicyContext;
  readonly #byKind: ReadonlyMap<number, SubPolicy>;
  readonly #others: SubPolicy;

  constructor(context: PolicyContext) {
    const anchors = new Anchors(context);
    const pullRequests = new PrEventPolicy(context, anchors);
    this.#context = context;
    this.#byKind = new Map<number, SubPolicy>([
      [kinds.repositoryAnnouncement, new AnnouncementPolicy(context)],
      [kinds.repositoryState, new StatePolicy(context)],
      [kinds.pullRequest, pullRequests],
      [kinds.pullRequestUpdate, pullRequests],
    ]);
    this.#others = new RelatedEventPolicy(context, anchors);
  }

  precheck(event: NostrEvent): string | undefined {
    if (this.#context.eventBlacklist.has(event.pubkey)) return authorBlacklisted;
    return this.#subPolicyFor(event).precheck(event);
  }

  decide(event: NostrEvent): Decision {
    if (this.#context.eventBlacklist.has(event.pubkey)) return reject(authorBlacklisted);
    return this.#subPolicyFor(event).decide(event);
  }

  onStored(event: NostrEvent): void {
    this.#context.directory.onStored(event);
  }

  onRemoved(removed: readonly RemovedEvent[]): readonly Effect[] {
    const { directory } = this.#context;
    return effectsOfDeparture(directory, directory.onRemoved(removed));
  }

  revivedBy(event: NostrEvent): Filter[] {
    return revivedBy(event);
  }

  #subPolicyFor({ kind }: NostrEvent): SubPolicy {
    return this.#byKind.get(kind) ?? this.#others;
  }
}
