import type { NostrEvent } from '../nostr/event.js';
import { type PullRequest, parsePullRequest } from '../repositories/pull-request.js';
import { accept, type Decision, reject } from './decision.js';
import { alignNamed } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { notRelated } from './related-event-policy.js';
import type { StoredRelations } from './stored-relations.js';
import { type Reading, reading } from './structure.js';

/** Kinds 1618 and 1619: accepted when they hang on something accepted and name a commit. */
export class PrEventPolicy implements SubPolicy<PullRequest> {
  readonly #context: PolicyContext;
  readonly #relations: StoredRelations;

  constructor(context: PolicyContext, relations: StoredRelations) {
    this.#context = context;
    this.#relations = relations;
  }

  read(event: NostrEvent): Reading<PullRequest> {
    return reading(() => parsePullRequest(event));
  }

  decide(event: NostrEvent, pullRequest: PullRequest): Decision {
    if (!this.#relations.isRelatedToStored(event)) return reject(notRelated);
    return accept(alignNamed(this.#context.directory, pullRequest));
  }
}
