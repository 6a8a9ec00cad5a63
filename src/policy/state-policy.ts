import type { NostrEvent } from '../nostr/event.js';
import { accept, type Decision, reject } from './decision.js';
import { alignGoverned } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { parseRepositoryState } from './repository-state.js';
import { reading } from './structure.js';

/** Kind 30618: accepted when git could take it and its author maintains a repository of that identifier. */
export class StatePolicy implements SubPolicy {
  readonly #context: PolicyContext;

  constructor(context: PolicyContext) {
    this.#context = context;
  }

  precheck(event: NostrEvent): string | undefined {
    const read = reading(() => parseRepositoryState(event));
    return 'reason' in read ? read.reason : undefined;
  }

  decide(event: NostrEvent): Decision {
    const read = reading(() => parseRepositoryState(event));
    if ('reason' in read) return reject(read.reason);
    const { directory } = this.#context;
    const { identifier } = read.value;
    if (!directory.isKnown(identifier)) return reject('invalid: no announcement exists for this repository');
    if (!directory.isMaintainer(event.pubkey, identifier)) {
      return reject('invalid: author not authorized for this repository');
    }
    return accept(alignGoverned(directory, read.value));
  }
}
