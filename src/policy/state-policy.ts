import type { NostrEvent } from '../nostr/event.js';
import { parseRepositoryState, type RepositoryState } from '../repositories/repository-state.js';
import { accept, type Decision, reject } from './decision.js';
import { alignGoverned } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { type Reading, reading } from './structure.js';

/** Kind 30618: accepted when git could take it and its author maintains a repository of that identifier. */
export class StatePolicy implements SubPolicy<RepositoryState> {
  readonly #context: PolicyContext;

  constructor(context: PolicyContext) {
    this.#context = context;
  }

  read(event: NostrEvent): Reading<RepositoryState> {
    return reading(() => parseRepositoryState(event));
  }

  decide(_event: NostrEvent, state: RepositoryState): Decision {
    const { directory } = this.#context;
    if (!directory.isKnown(state.identifier))
      return reject('invalid: no announcement exists for this repository');
    if (!directory.isMaintainer(state.pubkey, state.identifier)) {
      return reject('invalid: author not authorized for this repository');
    }
    return accept(alignGoverned(directory, state));
  }
}
