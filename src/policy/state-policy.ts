import type { NostrEvent } from '../nostr/event.js';
import {
  checkObjectIds,
  type RepositoryState,
  readRepositoryState,
} from '../repositories/repository-state.js';
import { accept, type Decision, hold, reject } from './decision.js';
import { alignRepository } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { type Reading, reading } from './structure.js';

const notAuthorized = 'invalid: author not authorized for this repository';

/**
 * Kind 30618: accepted when its author maintains a repository of that identifier and git could take it. Held where it
 * governs a repository that waits for git data, also when no git data can satisfy it.
 */
export class StatePolicy implements SubPolicy<RepositoryState> {
  readonly #context: PolicyContext;

  constructor(context: PolicyContext) {
    this.#context = context;
  }

  read(event: NostrEvent): Reading<RepositoryState> {
    return reading(() => readRepositoryState(event));
  }

  decide(_event: NostrEvent, state: RepositoryState): Decision {
    const { directory } = this.#context;
    const { pubkey, identifier } = state;
    if (!directory.isKnown(identifier)) return reject('invalid: no announcement exists for this repository');
    if (!directory.isMaintainer(pubkey, identifier)) return reject(notAuthorized);
    const governed = directory.servedAndMaintainedBy(pubkey, identifier);
    const effects = governed.map(alignRepository);
    const refusal = this.#refusalUnlessHeld(state);
    if (governed.some((repository) => directory.awaitsGitData(repository))) return hold(effects, [], refusal);
    return refusal === undefined ? accept(effects) : reject(refusal);
  }

  /** Why it is refused where it cannot be held: held announcements give nobody a say then. */
  #refusalUnlessHeld(state: RepositoryState): string | undefined {
    if (!this.#context.directory.isStoredMaintainer(state.pubkey, state.identifier)) return notAuthorized;
    const values = reading(() => checkObjectIds(state));
    return 'reason' in values ? values.reason : undefined;
  }
}
