import { type FlagShape, optionFlags, type ParsedArguments, parseArguments } from '../config/arguments.js';
import { readOptions } from '../config/options.js';
import { OptionsError } from '../config/options-error.js';
import { withEnvFile } from '../config/sources/env-file.js';
import { type Environment, gatherValues } from '../config/sources/option-sources.js';
import { programName, programVersion } from '../config/version.js';
import { type Command, type Terminal, UsageError } from './command.js';
import { type ListedCommand, loadAll } from './commands.js';
import { commandHelp, programHelp } from './help.js';

/** What surrounds the program. */
export type Surroundings = Terminal & {
  readonly environment: Environment;
  /** Reads the config file, or the `.env` file, as UTF-8. */
  readonly readFile: (path: string) => string;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Has SIGHUP call the listener from now on, instead of ending the process. */
  readonly onHangup: (listener: () => void) => void;
};

/**
 * Runs what a command line asks for; the first command of the list when it names none. Resolves to the exit code;
 * rejects with an error whose message is fit for the operator.
 */
export async function dispatch(
  args: readonly string[],
  commands: readonly ListedCommand[],
  around: Surroundings,
): Promise<number> {
  const [first, ...rest] = args;
  const named = first !== undefined && !first.startsWith('-');
  if (first === 'help') return print(around, await helpFor(rest[0], commands));
  if (first === 'version') return print(around, versionLine());
  const command = await loadCommand(named ? first : commands[0]?.name, commands);
  const parsed = readingSettings(() => parseArguments(named ? rest : args, flagsOf(command)));
  if (parsed.flags.has('version')) return print(around, versionLine());
  if (parsed.flags.has('help'))
    return print(around, named ? commandHelp(command) : programHelp(await loadAll(commands)));
  checkPositionals(command, parsed);
  const environmentNow = () => withEnvFile(around.environment, around.readFile);
  const sources = () => ({ ...around, environment: environmentNow(), flags: parsed.flags });
  return command.run({
    ...around,
    ...parsed,
    environment: readingSettings(environmentNow),
    givenValues: () => readingSettings(() => gatherValues(sources())),
    readOptions: () => readingSettings(() => readOptions(sources())),
  });
}

/** `config` stands beside `lib` and so has an error of its own; from here on a wrong setting is wrong usage. */
function readingSettings<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof OptionsError ? new UsageError(error.message) : error;
  }
}

function flagsOf(command: Command): ReadonlyMap<string, FlagShape> {
  return new Map<string, FlagShape>([
    ...(command.takesOptions ? optionFlags : []),
    ...command.flags.map((flag) => [flag.name, flag] as const),
    ['help', { isSwitch: true, isList: false, short: 'h' }],
    ['version', { isSwitch: true, isList: false, short: 'V' }],
  ]);
}

async function loadCommand(wanted: string | undefined, commands: readonly ListedCommand[]): Promise<Command> {
  const listed = commands.find(({ name }) => name === wanted);
  if (listed === undefined)
    throw new UsageError(`there is no command '${wanted}'; see ${programName} --help`);
  return await listed.load();
}

async function helpFor(name: string | undefined, commands: readonly ListedCommand[]): Promise<string> {
  if (name === undefined) return programHelp(await loadAll(commands));
  return commandHelp(await loadCommand(name, commands));
}

function checkPositionals(command: Command, { positionals }: ParsedArguments): void {
  const extra = positionals[command.positionalsMax];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'; see ${programName} --help`);
  if (positionals.length < command.positionalsMin) {
    throw new UsageError(`${command.name} takes ${command.usage}; see ${programName} ${command.name} --help`);
  }
}

function versionLine(): string {
  return `${programName} ${programVersion}\n`;
}

function print({ stdout }: Terminal, text: string): number {
  stdout.write(text);
  return 0;
}
