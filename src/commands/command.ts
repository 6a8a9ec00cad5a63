import type { Readable, Writable } from 'node:stream';
import type { FlagShape } from '../config/arguments.js';
import type { Options } from '../config/options.js';
import type { Environment, GivenValues } from '../config/sources/option-sources.js';
import type { RawValue } from '../config/value-kinds.js';
import { GraspError } from '../lib/errors.js';

/** A flag that only one command has. */
export type CommandFlag = FlagShape & {
  /** Without dashes. */
  readonly name: string;
  /** Stands for the value in help; `undefined` for a switch. */
  readonly placeholder: string | undefined;
  readonly about: string;
};

/** What the process gives to a command. */
export type Terminal = {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** What was asked for: events, tables. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** What is said about the work: progress, logs. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
};

/** One call of a command. */
export type Invocation = Terminal & {
  /** The arguments after the command's name that are no flags; their number has been checked. */
  readonly positionals: readonly string[];
  /** The command's own flags, without dashes; a switch has `'true'` or `'false'`. */
  readonly flags: ReadonlyMap<string, RawValue>;
  /** With what a `.env` file adds to it. */
  readonly environment: Environment;
  /** The options of the daemon that are given anywhere, as they are given now: files are read anew. Throws `UsageError`. */
  readonly givenValues: () => GivenValues;
  /** Reads the options of the daemon. Throws `UsageError`. */
  readonly readOptions: () => Options;
  /** Has SIGHUP call the listener from now on, instead of ending the process. */
  readonly onHangup: (listener: () => void) => void;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
};

/** A command of the program: one file each, listed in `commands.ts`. */
export type Command = {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What else its help says: what the exit code means where that is not plain. */
  readonly details: string;
  /** The arguments in the usage line, as `FILE|-`; empty for none. */
  readonly usage: string;
  readonly positionalsMin: number;
  readonly positionalsMax: number;
  readonly flags: readonly CommandFlag[];
  /** Whether the options of the daemon belong to it. */
  readonly takesOptions: boolean;
  /** Resolves to the exit code; rejects with an error whose message is fit for the operator. */
  run(invocation: Invocation): Promise<number>;
};

/** A command was called the wrong way, or with a setting that it cannot start with; the message is one line for the operator. */
export class UsageError extends GraspError {
  constructor(message: string) {
    super('usage', message);
  }
}

/** The text of a command's own flag, or `undefined` when it is not given. */
export function textFlag(invocation: Invocation, name: string): string | undefined {
  const value = invocation.flags.get(name);
  return typeof value === 'string' ? value : undefined;
}
