import { Session } from 'node:inspector';

/*
 * Which blocks of the code below `src/` an input reaches, as V8 counts them for its coverage. Inputs that reach new ones are
 * worth changing further. Jazzer.js has such a guide too, and a faster one; but it instruments what `require` loads, and
 * not the ECMAScript modules that this program is, needs a native part for each platform, and dozens of packages. What
 * V8 has built in is enough: a look costs some milliseconds, so inputs are looked at many at a time.
 */
type Coverage = {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
    }[];
  }[];
};

/** Looks at the blocks that are reached between two calls. One at a time may exist in a process. */
export class Guide implements Disposable {
  readonly #session = new Session();
  readonly #sources: string;
  readonly #seen = new Set<string>();

  /** `sources`: a part of the URLs of the code that counts. */
  constructor(sources: string) {
    this.#sources = sources;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many blocks were reached by now. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** Forgets what was reached since the last look. */
  skip(): void {
    this.#take();
  }

  /** Whether blocks were reached since the last look that never were before; with `note` they are known from now on. */
  hasNew(note: boolean): boolean {
    let found = false;
    for (const { url, functions } of this.#take().result) {
      if (!url.includes(this.#sources)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          const block = `${url}:${startOffset}:${endOffset}`;
          if (count === 0 || this.#seen.has(block)) continue;
          found = true;
          if (note) this.#seen.add(block);
        }
      }
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #take(): Coverage {
    let taken: Coverage = { result: [] };
    // A session within one thread answers before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (_error: Error | null, coverage: unknown) => {
      taken = coverage as Coverage;
    });
    return taken;
  }
}
