import type { PushState } from './push-verdict.js';

/** What one ref may become. */
type Declared = {
  readonly values: Set<string>;
  /** How many states list it. */
  states: number;
};

/**
 * What heads and tags may become by the states that govern a push: the newest, or, where that is held, those older ones that
 * are held too and newer than what is followed. Read once for all commands of a push: both may be tens of thousands.
 */
export class DeclaredRefs {
  readonly #newest: PushState | undefined;
  readonly #states: number;
  readonly #refs = new Map<string, Declared>();

  /** `states`: newest first; `refs`: the names that are asked about. */
  constructor(states: readonly PushState[], refs: readonly string[]) {
    const governing = governingOf(states);
    this.#newest = states[0];
    this.#states = governing.length;
    for (const ref of refs) this.#refs.set(ref, { values: new Set(), states: 0 });
    for (const state of governing) this.#add(state);
  }

  /** Whether there is a state. */
  get isAny(): boolean {
    return this.#newest !== undefined;
  }

  /** What the newest state says that a ref is. */
  newest(ref: string): string | undefined {
    return this.#newest?.refs.get(ref);
  }

  /** Whether a ref may become that, or, with `undefined`, go. */
  allows(ref: string, value: string | undefined): boolean {
    const declared = this.#refs.get(ref);
    if (declared === undefined) return false;
    return value === undefined ? declared.states < this.#states : declared.values.has(value);
  }

  #add({ refs }: PushState): void {
    // One of both is short, as a rule: what is pushed, or what is listed.
    const names = refs.size < this.#refs.size ? refs.keys() : this.#refs.keys();
    for (const ref of names) {
      const declared = this.#refs.get(ref);
      const value = refs.get(ref);
      if (declared === undefined || value === undefined) continue;
      declared.values.add(value);
      declared.states += 1;
    }
  }
}

function governingOf(states: readonly PushState[]): readonly PushState[] {
  const followed = states.findIndex(({ isHeld }) => !isHeld);
  if (followed < 0) return states;
  return states.slice(0, Math.max(followed, 1));
}
