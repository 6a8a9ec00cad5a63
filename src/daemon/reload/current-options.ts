import type { Options } from '../../config/options.js';

/**
 * The options of the daemon as they are now: the one place where a reload changes them. Parts get settings whose
 * properties say at each use what follows from the options of that moment; what a part copies at its start stays as it was,
 * which is right for options that only a new start changes.
 */
export class CurrentOptions {
  #now: Options;

  constructor(options: Options) {
    this.#now = options;
  }

  get now(): Options {
    return this.#now;
  }

  /** Takes the place of all options, from the next use on. */
  replace(options: Options): void {
    this.#now = options;
  }

  /** Settings of a part, with each property as `of` says for the options of the moment. `of` always gives the same properties. */
  settings<T extends object>(of: (options: Options) => T): T {
    let options = this.#now;
    let settings = of(options);
    const latest = (): T => {
      if (options !== this.#now) {
        options = this.#now;
        settings = of(options);
      }
      return settings;
    };
    const properties = Object.keys(settings).map((key) => {
      const get = () => latest()[key as keyof T];
      return [key, { get, enumerable: true }] as const;
    });
    return Object.defineProperties({}, Object.fromEntries(properties)) as T;
  }
}
