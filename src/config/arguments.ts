import { parseArgs } from 'node:util';
import { OptionsError } from './options-error.js';
import { optionEntries } from './schema.js';
import { configFile } from './sources/option-sources.js';
import type { RawValue } from './value-kinds.js';

/** What the parser has to know of a flag. */
export type FlagShape = {
  /** Whether it may stand alone; otherwise it takes the next argument, or what follows its `=`. */
  readonly isSwitch: boolean;
  /** Whether it may be given more than once. */
  readonly isList: boolean;
  /** A letter that may stand for it, after one dash. */
  readonly short?: string;
};

/** A command line, read but not checked: values are still text. */
export type ParsedArguments = {
  readonly positionals: readonly string[];
  /** By flag name without dashes. */
  readonly flags: ReadonlyMap<string, RawValue>;
};

/** The flags of all options, and `--config`. */
export const optionFlags: ReadonlyMap<string, FlagShape> = new Map([
  [configFile.flag, { isSwitch: false, isList: false }],
  ...optionEntries.flatMap(({ flag, placeholder, isList }) =>
    flag === undefined
      ? []
      : [[flag, { isSwitch: placeholder === undefined, isList: isList === true }] as const],
  ),
]);

/**
 * Splits arguments into positionals and flags. Throws `OptionsError` for a flag that is not in `shapes`, that
 * stands without its value, or that is given twice and is no list.
 */
export function parseArguments(
  args: readonly string[],
  shapes: ReadonlyMap<string, FlagShape>,
): ParsedArguments {
  const options = [...shapes].map(([name, { isSwitch, short }]) => {
    const type = isSwitch ? ('boolean' as const) : ('string' as const);
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(options),
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const flags = new Map<string, RawValue>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    else if (token.kind === 'option') addFlag(flags, shapes, token);
  }
  return { positionals, flags };
}

type FlagToken = { readonly name: string; readonly rawName: string; readonly value?: string | undefined };

/** A letter of a group of short flags reads like a flag of that name; only a declared letter is one. */
function isNameOf({ short }: FlagShape, { name, rawName }: FlagToken): boolean {
  return rawName === `--${name}` || (short !== undefined && rawName === `-${short}`);
}

function addFlag(
  flags: Map<string, RawValue>,
  shapes: ReadonlyMap<string, FlagShape>,
  token: FlagToken,
): void {
  const { name, rawName } = token;
  const shape = shapes.get(name);
  if (shape === undefined || !isNameOf(shape, token))
    throw new OptionsError(`there is no option ${rawName}; see graspd --help`);
  const value = token.value ?? (shape.isSwitch ? 'true' : undefined);
  if (value === undefined) throw new OptionsError(`${rawName} takes a value; see graspd --help`);
  const before = flags.get(name);
  if (before !== undefined && !shape.isList) throw new OptionsError(`${rawName} is given twice`);
  flags.set(name, shape.isList ? [...(before ?? []), ...value.split(',')] : value);
}
