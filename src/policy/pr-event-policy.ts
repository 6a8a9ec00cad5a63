import type { NostrEvent } from '../nostr/event.js';
import { type PullRequest, parsePullRequest } from '../repositories/pull-request.js';
import { type Decision, hold } from './decision.js';
import { alignNamed } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import type { StoredRelations } from './stored-relations.js';
import { type Reading, reading } from './structure.js';

/**
 * Kinds 1618 and 1619: accepted when they hang on something accepted and name a commit, or when they are to be had from a
 * repository of their signer here (GRASP-06). Held until their commit is here, where they name a repository that waits for
 * git data, or such a one of their signer.
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
    const { directory, serving } = this.#context;
    const effects = alignNamed(directory, pullRequest);
    // It hangs on nothing then, not on held events either.
    if (serving.prsRepositoriesOf(event).length > 0) return hold(effects);
    const decision = this.#relations.decide(event, effects);
    const isAwaited = pullRequest.repositories.some((repository) => directory.awaitsGitData(repository));
    return decision.type === 'accept' && isAwaited ? hold(decision.effects) : decision;
  }
}
