import { limits } from '../../config/limits.js';
import { rowState } from '../index/rows/row-table.js';

/** Reasons that the store itself gives, and one for those that find no number; the numbers are fixed (`rowState`). */
const ownReasons = ['superseded', 'deleted', 'expired', 'removed', 'refused'] as const;

/** A reason for which the store itself lets an event go. `removed`: an operator did it. */
export type OwnReason = Exclude<(typeof ownReasons)[number], 'refused'>;

/** Reasons of refusal as row states: one byte. There are few different ones; what is above the limit is `refused`. */
export class Reasons {
  #names: string[] = [...ownReasons];

  /** All reasons, in the order of their numbers; grows at its end only. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Takes the reasons of a database that is opened. */
  restore(names: readonly string[]): void {
    this.#names = [...names];
  }

  stateOf(reason: OwnReason | (string & {})): number {
    const name = reasonClass(reason);
    let number = this.#names.indexOf(name);
    if (number < 0) {
      const full = this.#names.length > rowState.refusedLast - rowState.refusedFirst;
      number = full ? ownReasons.indexOf('refused') : this.#names.push(name) - 1;
    }
    return rowState.refusedFirst + number;
  }

  nameOf(state: number): string {
    if (state === rowState.spentDeletion || state === rowState.due) return 'expired';
    return this.#names[state - rowState.refusedFirst] ?? 'refused';
  }
}

/** What a reason and all that differ from it only by what they quote have in common, cut. */
export function reasonClass(reason: string): string {
  return withoutQuotes(reason).slice(0, limits.refusedReasonCharsMax);
}

/** What an event says is quoted in reasons, between the first quote and the last: it must not make new ones. */
function withoutQuotes(reason: string): string {
  const first = reason.indexOf("'");
  const last = reason.lastIndexOf("'");
  return last > first ? `${reason.slice(0, first + 1)}…${reason.slice(last)}` : reason;
}
