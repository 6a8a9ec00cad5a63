import { Session } from 'node:inspector';

/*
 * Which blocks of the code below `src/` an input runs, as V8 counts them for its coverage. Inputs that run new ones are worth
 * changing further. Jazzer.js has such a guide too, and a faster one; but it instruments what `require` loads, and
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

type Block = readonly [start: number, end: number];

/** Looks at what is run between two calls. One at a time may exist in a process. */
export class Guide implements Disposable {
  readonly #session = new Session();
  readonly #sources: string;
  /**
   * The blocks that were never run, of each function that was. V8 leaves out a block that is run as often as what it stands
   * in, but never one that is not run: so those are what can be kept account of.
   */
  readonly #missing = new Map<string, readonly Block[]>();

  /** `sources`: a part of the URLs of the code that counts. */
  constructor(sources: string) {
    this.#sources = sources;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many functions were run by now. */
  get functions(): number {
    return this.#missing.size;
  }

  /** Forgets what was run since the last look. */
  skip(): void {
    this.#take();
  }

  /** Whether something was run since the last look that never was before; with `note` it is known from now on. */
  hasNew(note: boolean): boolean {
    let found = false;
    for (const { url, functions } of this.#take().result) {
      if (!url.includes(this.#sources)) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        const name = `${url}:${whole.startOffset}:${whole.endOffset}`;
        const idle = ranges.filter(({ count }) => count === 0);
        const blocks = idle.map(({ startOffset, endOffset }): Block => [startOffset, endOffset]);
        const known = this.#missing.get(name);
        const missing = known === undefined ? blocks : common(known, blocks);
        if (known !== undefined && charsOf(missing) === charsOf(known)) continue;
        found = true;
        if (note) this.#missing.set(name, missing);
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

/** What is in blocks of both lists; blocks of one list do not overlap. */
function common(some: readonly Block[], others: readonly Block[]): Block[] {
  return some.flatMap(([start, end]) =>
    others
      .map(([from, to]): Block => [Math.max(start, from), Math.min(end, to)])
      .filter(([from, to]) => from < to),
  );
}

function charsOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, [start, end]) => sum + end - start, 0);
}
