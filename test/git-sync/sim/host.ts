import type { FetchFailure } from '../../../src/git-sync/remote.js';
import { minuteMs, secondMs } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { between, chance, pick } from '../../sim/random.js';
import { ServedRepository } from './served-repository.js';

/** How a whole host fails, until the faults end; `flapping`: now and then. */
const faults = ['none', 'none', 'none', 'slow', 'gone', 'limiting', 'broken', 'flapping', 'hanging'] as const;

const goneAs = ['dns', 'refused', 'tls', 'timeout', 'protocol', 'policy'] as const;

/** What a host does with a fetch before it looks for any repository. */
export type HostAnswer = {
  readonly afterMs: number;
  readonly failure: FetchFailure | undefined;
  readonly retryAfterMs: number;
};

/** A host with git servers. One that is hostile means harm for good; one that is dead never comes back. */
export class SimHost {
  readonly name: string;
  readonly isHostile: boolean;
  readonly isDead: boolean;
  /** Whether sync cannot connect to a relay there. */
  readonly isFailingRelay: boolean;
  /** By path. */
  readonly repositories = new Map<string, ServedRepository>();
  readonly #fault: (typeof faults)[number];
  readonly #goneAs: FetchFailure;
  readonly #random: Random;

  constructor(name: string, isHostile: boolean, random: Random) {
    this.name = name;
    this.isHostile = isHostile;
    this.#random = random;
    this.#fault = pick(random, faults);
    this.#goneAs = pick(random, goneAs);
    this.isDead = !isHostile && chance(random, 0.1);
    this.isFailingRelay = chance(random, this.#fault === 'gone' ? 0.5 : 0.05);
  }

  /** The repository at a path; there is an empty one at each. */
  at(path: string): ServedRepository {
    const known = this.repositories.get(path);
    if (known !== undefined) return known;
    const made = new ServedRepository(this.isHostile, this.#random);
    this.repositories.set(path, made);
    return made;
  }

  answer(faultsOn: boolean): HostAnswer {
    const random = this.#random;
    const afterMs = between(random, 5, 2 * secondMs);
    const failed = (failure: FetchFailure, ms = afterMs, retryAfterMs = 0) => {
      return { afterMs: ms, failure, retryAfterMs };
    };
    if (this.isDead) return failed(this.#goneAs);
    const answered = { afterMs, failure: undefined, retryAfterMs: 0 };
    if (!faultsOn || this.isHostile) return answered;
    switch (this.#fault === 'flapping' ? pick(random, ['none', 'gone', 'broken'] as const) : this.#fault) {
      case 'slow':
        return { ...answered, afterMs: between(random, 1, 8) * minuteMs };
      case 'gone':
        return failed(this.#goneAs);
      case 'limiting':
        return failed('limited', afterMs, pick(random, [0, 1, 3, 20]) * minuteMs);
      case 'broken':
        return failed('failed');
      case 'hanging':
        return failed('timeout', 30 * secondMs);
      default:
        return answered;
    }
  }
}
