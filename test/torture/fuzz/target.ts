import type { Arbitrary } from 'fast-check';

/** A parser that is fuzzed: what it is given, and what has to hold of all that it makes of that. */
export type Target = {
  readonly name: string;
  /** The form of its inputs, by which they are changed. */
  readonly form: 'json' | 'text' | 'bytes';
  /** How many times as long as most an input takes, where it is much more: there are the fewer in a short run. */
  readonly cost?: number;
  /** Inputs that are right, made by our own encoders where there are any. */
  seeds(): readonly Buffer[];
  /** Pieces that a stranger would try in the middle of an input. */
  readonly words?: readonly string[];
  /** Inputs that are made from scratch, nearly right by their structure. */
  readonly structured?: Arbitrary<Buffer>;
  /**
   * Reads an input, and checks what came of it: a refusal by a typed error is a good answer. Throws for a finding, and must
   * not depend on what it was given before.
   */
  run(input: Buffer): void | Promise<void>;
};

/** What a parser may not do. */
export class Breach extends Error {}

/** Throws a `Breach` unless it holds. */
export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Breach(what);
}

/** Throws a `Breach` unless both are the same as JSON. */
export function claimSame(one: unknown, other: unknown, what: string): void {
  const [first, second] = [JSON.stringify(one), JSON.stringify(other)];
  if (first !== second) throw new Breach(`${what}: ${first?.slice(0, 300)} is not ${second?.slice(0, 300)}`);
}

type ErrorType = abstract new (...values: never[]) => Error;

/** What `read` makes, or `undefined` where it refuses by one of its typed errors; throws what is none. */
export function attempt<T>(read: () => T, ...refusals: readonly ErrorType[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** The same of a promise. */
export async function attemptAsync<T>(
  read: () => Promise<T>,
  ...refusals: readonly ErrorType[]
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** Throws a `Breach` where an input has changed what all objects have. */
export function claimNoPollution(): void {
  const keys = [...Object.keys(Object.prototype), ...Object.keys(Array.prototype)];
  claim(keys.length === 0, `all objects have got ${keys.join(', ')}`);
}
