import type { NostrEvent } from '../nostr/event.js';
import { type PullRequest, parsePullRequest } from '../repositories/pull-request.js';
import { type Decision, hold } from './decision.js';
import { alignNamed } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import type { StoredRelations } from './stored-relations.js';
import { type Reading, reading } from './structure.js';

/**
 * Kinds 1618 and 1619: accepted when they hang on something accepted and name a commit. Held until that is here, where
 * they name a repository that waits for git data.
 */
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
    const { directory } = this.#context;
    const decision = this.#relations.decide(event, alignNamed(directory, pullRequest));
    const isAwaited = pullRequest.repositories.some((repository) => directory.awaitsGitData(repository));
    return decision.type === 'accept' && isAwaited ? hold(decision.effects) : decision;
  }
}
