import type { Readiness } from '../http/built-in-routes.js';

/** What has to be done before the daemon is of use, each with the reason to give while it is not. */
export class StartProgress<Step extends string> {
  readonly #missing: Map<string, string>;

  constructor(reasons: Readonly<Record<Step, string>>) {
    this.#missing = new Map(Object.entries<string>(reasons));
  }

  done(step: Step): void {
    this.#missing.delete(step);
  }

  get readiness(): Readiness {
    return { ready: this.#missing.size === 0, reasons: [...this.#missing.values()] };
  }
}
