/** Steps that undo what was made, run once in reverse order: what was made last is released first. */
export class ReleaseStack implements AsyncDisposable {
  #steps: (() => Promise<void> | void)[] = [];

  /** Adds a step; returns `this` so that making and releasing can stand together. */
  defer(step: () => Promise<void> | void): this {
    this.#steps.push(step);
    return this;
  }

  /** Takes charge of a resource and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]() as Promise<void>);
    return resource;
  }

  /**
   * Runs all steps, also those after one that throws. Throws the first error at the end. Another call finds nothing
   * left to do.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
