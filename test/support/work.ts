import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

type Coverage = {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
};

const sources = `${process.cwd()}/src/`;

/** Built-ins that look through all of what they are called on, of whose work V8 does not count anything. */
const lookingThrough = [
  [Array.prototype, ['includes', 'indexOf', 'lastIndexOf', 'slice', 'splice', 'shift', 'concat', 'sort']],
  [String.prototype, ['includes', 'indexOf', 'lastIndexOf', 'split', 'replaceAll', 'match', 'trim']],
] as const;

/**
 * How much work a call does, as a count that is the same on every machine: how often each block of code below `src/` is
 * run (V8 counts them), and how many items or characters the built-ins look through. What happens inside of a pattern is
 * not seen; `npm run check` has an eye on patterns.
 */
export function workOf(task: () => unknown): number {
  let items = 0;
  takeBlocks();
  const restore = lookingThrough.flatMap(([prototype, names]) =>
    names.map((name) => counting(prototype, name, (length) => (items += length))),
  );
  try {
    task();
  } finally {
    for (const undo of restore) undo();
  }
  return takeBlocks() + items;
}

// What the optimising compiler puts in line is not counted any more.
setFlagsFromString('--no-opt');

let session: Session | undefined;

/** How many blocks were run since the last call. */
function takeBlocks(): number {
  if (session === undefined) {
    session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }
  let blocks = 0;
  // A session within one thread answers before `post` returns.
  session.post('Profiler.takePreciseCoverage', (_error: Error | null, coverage: unknown) => {
    blocks = blocksOf(coverage as Coverage);
  });
  return blocks;
}

function blocksOf({ result }: Coverage): number {
  let blocks = 0;
  for (const { url, functions } of result) {
    if (!url.includes(sources)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
  }
  return blocks;
}

/** Has a method tell the length of what it is called on; returns the way back. */
function counting(prototype: object, name: string, tell: (length: number) => void): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  const method = original.value as (...values: unknown[]) => unknown;
  Object.defineProperty(prototype, name, {
    ...original,
    value(this: { readonly length: number }, ...values: unknown[]) {
      const { length } = this;
      const result = method.apply(this, values);
      tell(name === 'indexOf' ? between(Number(values[1] ?? 0), Number(result), length) : length);
      return result;
    },
  });
  return () => Object.defineProperty(prototype, name, original);
}

/** What was looked at from a place on, until something was found or at the end. */
function between(from: number, found: number, length: number): number {
  return Math.max(0, (found < 0 ? length : found + 1) - from);
}
