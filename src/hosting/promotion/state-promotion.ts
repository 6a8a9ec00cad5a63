import { limits } from '../../config/limits.js';
import { isSameRepository } from '../../git/bare-repositories.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import { type EventState, headOf, statesOf } from '../states.js';
import type { BackgroundCopies } from './background-copies.js';
import { type CompleteState, hasAllObjects, withWhatWasPushed } from './complete-state.js';
import { ObjectCopies } from './object-copies.js';
import { despiteFaults, type PromotionParts, setRefs } from './promotion-parts.js';

/** Applies states whose objects are here; the caller is alone on the repository. */
export class StatePromotion {
  readonly #parts: PromotionParts;
  readonly #background: BackgroundCopies;
  readonly #signal: AbortSignal;
  readonly #onCopied: (repository: RepositoryId) => Promise<void>;

  /** `onCopied` is told, alone on it, of each other repository that has what a state says. */
  constructor(
    parts: PromotionParts,
    background: BackgroundCopies,
    signal: AbortSignal,
    onCopied: (repository: RepositoryId) => Promise<void>,
  ) {
    this.#parts = parts;
    this.#background = background;
    this.#signal = signal;
    this.#onCopied = onCopied;
  }

  /**
   * Sets the refs of a state where its objects came, and in the other repositories that it governs, as far as there is time
   * and nobody works on them, then lets its event be stored. What is left follows the stored event: objects are copied in the background.
   */
  async promote(source: RepositoryId, complete: CompleteState, othersUntilMs: number): Promise<void> {
    const { state } = complete;
    const { directory, promote, clock, locks } = this.#parts;
    const wanted = { declared: withWhatWasPushed(complete), head: headOf(state) };
    await setRefs(this.#parts, source, wanted, complete.refs);
    const copies = new ObjectCopies(this.#parts, Number.POSITIVE_INFINITY, false);
    const late: RepositoryId[] = [];
    for (const repository of this.#othersGovernedBy(state, source)) {
      const msMax = othersUntilMs - clock.monotonic();
      await despiteFaults(this.#parts, this.#signal, repository, async () => {
        const follow = () => this.#follow(source, repository, state, copies, msMax);
        const isInTime = msMax > 0 && (await locks.useIfFree(repository, this.#signal, follow)) === true;
        if (!isInTime) late.push(repository);
      });
    }
    await promote(state.event);
    const objectIds = valuesOf(state);
    const wanting = late.filter((repository) => this.#mayCopy(source, repository));
    for (const to of wanting.slice(0, limits.objectCopiesMax)) {
      const isWanted = () => directory.stateOf(to)?.id === state.id;
      const effect = { type: 'align-repository', ...to } as const;
      const onHere = () => locks.use(to, this.#signal, () => this.#onCopied(to));
      this.#background.add({ from: source, to, objectIds, copies, isWanted, effect, onHere });
    }
  }

  /** Anybody may name somebody else's maintainers: those who are not named back come last. */
  #othersGovernedBy(state: EventState, source: RepositoryId): RepositoryId[] {
    const { directory } = this.#parts;
    const others = directory
      .servedAndMaintainedBy(state.event.pubkey, source.identifier)
      .filter((repository) => !isSameRepository(repository, source));
    const maintainers = directory.maintainersAmong(source, new Set(others.map(({ pubkey }) => pubkey)));
    const isTrusted = ({ pubkey }: RepositoryId) => maintainers.has(pubkey);
    return [...others.filter(isTrusted), ...others.filter((repository) => !isTrusted(repository))];
  }

  /** To an announcement of a stranger that names these maintainers nothing is given before somebody pushes to it. */
  #mayCopy(source: RepositoryId, repository: RepositoryId): boolean {
    const { directory } = this.#parts;
    if (directory.isAnnounced(repository)) return true;
    return directory.maintainersAmong(source, new Set([repository.pubkey])).size > 0;
  }

  /** Whether that took no longer than it may. */
  async #follow(
    source: RepositoryId,
    repository: RepositoryId,
    state: EventState,
    copies: ObjectCopies,
    msMax: number,
  ): Promise<boolean> {
    const { git, repositories } = this.#parts;
    const states = await statesOf(this.#parts, repository);
    // One that another maintainer published later governs this one.
    if (states.find(({ isHeld, id }) => !isHeld || id === state.id)?.id !== state.id) return true;
    await repositories.ensure(repository);
    const objectIds = valuesOf(state);
    if (this.#mayCopy(source, repository)) {
      const copy = { from: source, to: repository, objectIds };
      const terms = { msMax, signal: this.#signal, moveIn: (move: () => Promise<void>) => move() };
      const outcome = await copies.copy(copy, terms);
      if (outcome !== 'here') return outcome !== 'late';
    } else if (!(await hasAllObjects(git, repositories.pathOf(repository), objectIds))) return true;
    await setRefs(this.#parts, repository, { declared: state.refs, head: headOf(state) });
    await this.#onCopied(repository);
    return true;
  }
}

function valuesOf({ refs }: EventState): string[] {
  return [...new Set(refs.values())];
}
