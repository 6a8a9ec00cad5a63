import { limits } from '../../config/limits.js';
import { type Deferred, deferred, withTimeLimit } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { SyncSettings } from '../settings.js';
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

/** How a session begins: how long the remote may take to answer its first message, and who is told when it did. */
export type Opening = { readonly answerMsMax: number; readonly onAnswered: () => void };

/**
 * Who may reconcile on one connection. As long as it is not known whether the relay does it, one session is the probe,
 * and nobody else begins another before it was answered: a relay that takes NEG-OPEN and is silent costs its time once.
 */
export class NegentropyProbe {
  readonly #memory: { readonly negentropy: Capability };
  readonly #settings: Pick<SyncSettings, 'negentropyDisabled'>;
  readonly #clock: Clock;
  /** The probe, until it was answered. */
  #unanswered: Deferred<void> | undefined;
  /** Whether the probe was answered, while it goes on. */
  #isAnswered = false;

  constructor(parts: {
    readonly memory: { readonly negentropy: Capability };
    readonly settings: Pick<SyncSettings, 'negentropyDisabled'>;
    readonly clock: Clock;
  }) {
    this.#memory = parts.memory;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
  }

  /** Whether the relay may be asked to reconcile, as far as it is known. */
  get canTry(): boolean {
    return !this.#settings.negentropyDisabled && canTry(this.#memory.negentropy, this.#clock.monotonic());
  }

  /**
   * Runs a session. `undefined` when what it was to reconcile is to be paged: the relay cannot, or has not answered the
   * probe yet. That is waited for for a moment, or longer where there is no other way to ask.
   */
  async negotiate<T>(
    canPage: boolean,
    signal: AbortSignal,
    session: (opening: Opening) => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#unanswered !== undefined) await this.#wait(this.#unanswered.promise, canPage, signal);
    if (this.#unanswered !== undefined || !this.canTry) return undefined;
    // The probe has answered, and what comes of it is not known yet.
    const isKnown = this.#isAnswered || !isOpenQuestion(this.#memory.negentropy, this.#clock.monotonic());
    return isKnown
      ? await session({ answerMsMax: limits.remoteRequestMsMax, onAnswered: () => {} })
      : await this.#probe(session);
  }

  async #probe<T>(session: (opening: Opening) => Promise<T>): Promise<T> {
    const unanswered = deferred<void>();
    this.#unanswered = unanswered;
    const onAnswered = () => {
      this.#unanswered = undefined;
      this.#isAnswered = true;
      unanswered.resolve();
    };
    try {
      return await session({ answerMsMax: limits.remoteNegentropyProbeMsMax, onAnswered });
    } finally {
      onAnswered();
      this.#isAnswered = false;
    }
  }

  async #wait(answered: Promise<void>, canPage: boolean, signal: AbortSignal): Promise<void> {
    const limitMs = canPage ? limits.remoteNegentropyPatienceMs : limits.remoteRequestMsMax;
    await withTimeLimit(this.#clock, 'the probe', limitMs, answered, signal).catch(() => {});
    signal.throwIfAborted();
  }
}
