import type { NegentropyResult } from './filter-catchup.js';

/** Whether a relay does negentropy, as far as it is known. Times are monotonic milliseconds. */
export type Capability =
  | { readonly type: 'untried' }
  | { readonly type: 'works'; readonly breaks: number }
  /** Remembered, and tried again a day later. */
  | { readonly type: 'unable'; readonly until: number };

/** Sessions in a row that may break before a relay that could do it is taken for one that cannot. */
const breaksMax = 3;

export function canTry(capability: Capability, now: number): boolean {
  return capability.type !== 'unable' || now >= capability.until;
}

/** Whether it is for the next session to find out what the relay does. */
export function isOpenQuestion(capability: Capability, now: number): boolean {
  return capability.type === 'untried' || (capability.type === 'unable' && now >= capability.until);
}

/**
 * What a session says about the relay: pure. `too-many` is no matter of ability; of one that worked and is silent now it
 * is an open question again.
 */
export function learn(
  capability: Capability,
  result: NegentropyResult['type'],
  now: number,
  retryMs: number,
): Capability {
  if (result === 'reconciled') return { type: 'works', breaks: 0 };
  if (result === 'too-many') return capability.type === 'works' ? capability : { type: 'works', breaks: 0 };
  const unable: Capability = { type: 'unable', until: now + retryMs };
  if (capability.type !== 'works') return unable;
  if (result === 'silent') return { type: 'untried' };
  return capability.breaks + 1 >= breaksMax ? unable : { type: 'works', breaks: capability.breaks + 1 };
}
