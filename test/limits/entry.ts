import type { LimitName } from '../../src/config/limit-use.js';

/**
 * Whether the code that is under a limit takes so much of it: all of it, at once, without letting go of anything. It does at
 * the limit, and does not one past it.
 */
export type Edge = (amount: number) => boolean | Promise<boolean>;

/** A test elsewhere: its file below `test`, and its exact title. */
export type Named = readonly [file: string, title: string];

/**
 * How the tests hold a limit: by an edge of its own, by a test elsewhere that drives it there, or, for times, sizes of steps,
 * what is shown and the like, past which nothing is refused, by whatever goes by it (`pace`); or not at all, for nothing comes
 * near it, and why (`unreached`).
 */
export type Entry =
  | { readonly edge: Edge }
  | { readonly test: Named }
  | { readonly pace: Named | 'nothing more' }
  | { readonly unreached: string };

/** Entries of some of the limits. */
export type Entries<Name extends LimitName = LimitName> = Readonly<Record<Name, Entry>>;

/** Whether the work is done without an error that has a code, as all refusals have. */
export function takes(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === undefined) throw error;
    return false;
  }
}

/** So many things, by their number. */
export function many<T>(count: number, thing: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => thing(at));
}

/** An id or a public key by number: 64 hex digits. */
export function hex(number: number): string {
  return number.toString(16).padStart(64, '0');
}
