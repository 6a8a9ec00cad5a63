import { reaches } from '../../config/limit-use.js';
import { reasonClass } from './reasons.js';

/** How often there was a reason. */
export type ReasonCount = { readonly reason: string; readonly count: number };

/** What the reasons are counted under for which there is no room. */
export const otherReasons = 'other reasons';

/**
 * How often events were refused for which reason since the start. What reasons quote of events is left out, so that few are
 * different; the first of them are told apart, and the rest are counted together.
 */
export class ReasonCounts {
  readonly #counts = new Map<string, number>();

  count(text: string): void {
    const reason = reasonClass(text);
    const isKnown = this.#counts.has(reason) || !reaches('refusedReasonsCountedMax', this.#counts.size);
    const key = isKnown ? reason : otherReasons;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** The most frequent first. */
  list(): ReasonCount[] {
    const counts = [...this.#counts].map(([reason, count]) => ({ reason, count }));
    return counts.sort((a, b) => b.count - a.count);
  }
}
