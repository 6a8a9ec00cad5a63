import { limits } from '../../config/limits.js';
import { TimeLimitError } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { FairSlots } from '../../lib/turns/fair-slots.js';

/**
 * Places for copies between repositories that may take minutes, for whomever they are made: one owner of repositories after the
 * other. Where others wait and none has come free for long, the copy that has run for longest ends as late.
 */
export class CopyPlaces {
  readonly #slots: FairSlots;

  constructor(clock: Pick<Clock, 'after'>) {
    const held = { clock, msMax: limits.gitPlacesHeldMsMax };
    this.#slots = new FairSlots(limits.backgroundCopiesAtOnceMax, held);
  }

  /** Runs `work`, whose signal aborts with a `TimeLimitError` when it is to end for others. Rejects as it does. */
  async use<T>(owner: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    const end = () =>
      ending.abort(new TimeLimitError('a copy, for which others wait,', limits.gitPlacesHeldMsMax));
    const either = AbortSignal.any([signal, ending.signal]);
    return await this.#slots.use(owner, signal, () => work(either), { weight: () => 1, end });
  }
}
