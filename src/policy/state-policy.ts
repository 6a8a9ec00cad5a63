import type { NostrEvent } from '../nostr/event.js';
import {
  checkObjectIds,
  type RepositoryState,
  readRepositoryState,
} from '../repositories/repository-state.js';
import { accept, type Decision, hold, reject } from './decision.js';
import { alignGoverned } from './effects.js';
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
    if (!directory.isKnown(state.identifier))
      return reject('invalid: no announcement exists for this repository');
    if (!directory.isMaintainer(state.pubkey, state.identifier)) {
      return reject(notAuthorized);
    }
    const values = reading(() => checkObjectIds(state));
    const refusal = 'reason' in values ? values.reason : undefined;
    const governed = directory.servedAndMaintainedBy(state.pubkey, state.identifier);
    const effects = alignGoverned(directory, state);
    if (governed.some((repository) => directory.awaitsGitData(repository))) return hold(effects, [], refusal);
    if (refusal !== undefined) return reject(refusal);
    // Who has a say by a held announcement alone governs what that one waits for.
    return directory.isStoredMaintainer(state.pubkey, state.identifier)
      ? accept(effects)
      : reject(notAuthorized);
  }
}
