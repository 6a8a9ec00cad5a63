import { noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';

/** What an answer takes beside what it lists, counted as keys of it. */
const entryKeys = 64;

type Kept<Answer> = { readonly version: number; readonly answer: Answer };

/**
 * Lists of keys that were found, each for as long as what it was found in has the same version. Of more than may be kept, those
 * that were found first go.
 */
export class KeptAnswers<Answer extends { readonly length: number }> {
  readonly #kept = new Map<string, Kept<Answer>>();
  #keys = 0;

  /** The answer to a question, which is found where none is kept. */
  of(question: string, version: number, find: () => Answer): Answer {
    const kept = this.#kept.get(question);
    if (kept?.version === version) return kept.answer;
    this.#forget(question);
    const answer = find();
    this.#keys += entryKeys + answer.length;
    this.#kept.set(question, { version, answer });
    for (const oldest of this.#kept.keys()) {
      if (this.#keys <= limits.maintainersKeptMax) break;
      this.#forget(oldest);
    }
    noteUse('maintainersKeptMax', this.#keys);
    return answer;
  }

  #forget(question: string): void {
    const kept = this.#kept.get(question);
    if (kept === undefined) return;
    this.#kept.delete(question);
    this.#keys -= entryKeys + kept.answer.length;
  }
}
