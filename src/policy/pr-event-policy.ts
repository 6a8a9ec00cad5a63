import type { NostrEvent } from '../nostr/event.js';
import type { Anchors } from './anchors.js';
import { accept, type Decision, reject } from './decision.js';
import { alignNamed } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { parsePullRequest } from './pull-request.js';
import { notRelated } from './related-event-policy.js';
import { reading } from './structure.js';

/** Kinds 1618 and 1619: accepted when they hang on something accepted and name a commit. */
export class PrEventPolicy implements SubPolicy {
  readonly #context: PolicyContext;
  readonly #anchors: Anchors;

  constructor(context: PolicyContext, anchors: Anchors) {
    this.#context = context;
    this.#anchors = anchors;
  }

  precheck(event: NostrEvent): string | undefined {
    const read = reading(() => parsePullRequest(event));
    return 'reason' in read ? read.reason : undefined;
  }

  decide(event: NostrEvent): Decision {
    const read = reading(() => parsePullRequest(event));
    if ('reason' in read) return reject(read.reason);
    if (!this.#anchors.hold(event)) return reject(notRelated);
    return accept(alignNamed(this.#context.directory, read.value));
  }
}
