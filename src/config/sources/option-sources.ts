import { OptionsError } from '../options-error.js';
import { type OptionEntry, type OptionKey, optionEntries } from '../schema.js';
import type { RawValue } from '../value-kinds.js';

/** Variables of a process environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where settings come from, the strongest first: flags, environment, config file. */
export type OptionSources = {
  /** By flag name without dashes, as `parseArguments` gives them. */
  readonly flags: ReadonlyMap<string, RawValue>;
  readonly environment: Environment;
  /** Reads the config file as UTF-8; throws what `readFileSync` throws. */
  readonly readFile: (path: string) => string;
};

/** A value with the name that the operator gave it under, for error lines. */
export type GivenValue = { readonly raw: RawValue; readonly name: string };

/** The options that are given anywhere, as they are given. */
export type GivenValues = ReadonlyMap<OptionKey, GivenValue>;

/** Flag and variable that name the config file, which no config file can hold. */
export const configFile = { flag: 'config', variable: 'NGIT_CONFIG' } as const;

/** The value of every option that is given anywhere; the strongest source wins. Throws `OptionsError`. */
export function gatherValues(sources: OptionSources): Map<OptionKey, GivenValue> {
  const fromFile = readConfigFile(sources);
  const gathered = new Map<OptionKey, GivenValue>();
  for (const entry of optionEntries) {
    const given =
      fromFlag(entry, sources) ?? fromEnvironment(entry, sources) ?? fromFile.get(entry.flag ?? '');
    if (given !== undefined) gathered.set(entry.key, given);
  }
  return gathered;
}

function fromFlag({ flag }: OptionEntry, { flags }: OptionSources): GivenValue | undefined {
  const raw = flag === undefined ? undefined : flags.get(flag);
  return raw === undefined ? undefined : { raw, name: `--${flag}` };
}

/** A variable that is set to nothing counts as not set, as compose files and unit files leave it. */
function fromEnvironment(
  { variable, otherVariable }: OptionEntry,
  { environment }: OptionSources,
): GivenValue | undefined {
  for (const name of otherVariable === undefined ? [variable] : [variable, otherVariable]) {
    const raw = environment[name];
    if (raw !== undefined && raw.trim() !== '') return { raw, name };
  }
  return undefined;
}

function readConfigFile({ flags, environment, readFile }: OptionSources): Map<string, GivenValue> {
  const path = flags.get(configFile.flag) ?? environment[configFile.variable];
  if (typeof path !== 'string' || path === '') return new Map();
  const content = parseJson(path, readText(path, readFile));
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new OptionsError(`the config file '${path}' takes one JSON object`);
  }
  const known = new Map(optionEntries.flatMap((entry) => (entry.flag ? [[entry.flag, entry] as const] : [])));
  const values = new Map<string, GivenValue>();
  for (const [key, value] of Object.entries(content)) {
    const entry = known.get(key);
    if (entry === undefined) throw new OptionsError(`the config file '${path}' has the unknown key '${key}'`);
    const name = `'${key}' in the config file '${path}'`;
    const raw = rawValueOf(value);
    if (raw === undefined) throw new OptionsError(`${name} takes ${entry.takes}`);
    if (raw !== null) values.set(key, { raw, name });
  }
  return values;
}

function readText(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new OptionsError(`the config file '${path}' cannot be read: ${why}`);
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause would repeat a piece of the file, which may hold the secret key.
    throw new OptionsError(`the config file '${path}' is not JSON`);
  }
}

/** A JSON value as text, or as list of texts; `null` when it says "not set", `undefined` when it is neither. */
function rawValueOf(value: unknown): RawValue | null | undefined {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  return undefined;
}
