import { optionEntries } from '../../config/schema.js';
import { configFile } from '../../config/sources/option-sources.js';
import type { Command } from '../command.js';

/** What may stand for a value: files, some words, what only the operator knows; `undefined` where there is no value. */
export type ValueHint = 'file' | 'free' | readonly string[] | undefined;

/** A flag as a shell completes it. */
export type FlagLine = {
  /** Without dashes. */
  readonly name: string;
  readonly about: string;
  /** `undefined` for a switch, which may also have `=true` or `=false`. */
  readonly value: ValueHint;
  readonly isList: boolean;
};

/** A command as a shell completes it. */
export type CommandLine = {
  readonly name: string;
  readonly summary: string;
  /** Of its own. */
  readonly flags: readonly FlagLine[];
  readonly takesOptions: boolean;
  /** What its arguments are; `undefined` where it has none. */
  readonly argument: ValueHint;
};

/** Words that stand in the place of a command, and are none. */
export const otherWords = [
  { name: 'help', summary: 'Show the help of the program, or of a command' },
  { name: 'version', summary: 'Show the version' },
] as const;

/** What a switch may be set to. */
export const switchValues = ['true', 'false'] as const;

/** The flags of all options of the daemon. */
export const optionLines: readonly FlagLine[] = [
  { name: configFile.flag, about: 'A JSON file of settings', value: 'file', isList: false },
  ...optionEntries.flatMap(({ flag, about, placeholder, isList }) =>
    flag === undefined ? [] : [{ name: flag, about, value: hintOf(placeholder), isList: isList === true }],
  ),
];

/** The flags that every command has. */
export const commonLines: readonly FlagLine[] = [
  { name: 'help', about: 'Show help', value: undefined, isList: false },
  { name: 'version', about: 'Show the version', value: undefined, isList: false },
];

export function commandLineOf({ name, summary, flags, takesOptions, usage }: Command): CommandLine {
  const own = flags.map((flag) => ({ ...flag, value: hintOf(flag.placeholder) }));
  return { name, summary, flags: own, takesOptions, argument: usage === '' ? undefined : hintOf(usage) };
}

/** Placeholders say what they stand for: `FILE`, `PATH`, or the words themselves in small letters. */
function hintOf(placeholder: string | undefined): ValueHint {
  if (placeholder === undefined) return undefined;
  if (/\b(FILE|PATH)\b/.test(placeholder)) return 'file';
  return /^[a-z]+(\|[a-z]+)+$/.test(placeholder) ? placeholder.split('|') : 'free';
}
