import type { Command } from '../src/commands/command.js';
import { exitCodes } from '../src/commands/exit-code.js';
import { defaultOf } from '../src/config/help.js';
import { type OptionEntry, optionEntries, optionGroups } from '../src/config/schema.js';
import { configFile } from '../src/config/sources/option-sources.js';
import { programName, programVersion } from '../src/config/version.js';

/** The manual page (`docs/graspd.1`, in the language of man(7)), from the commands and the option schema. */
export function manPage(commands: readonly Command[]): string {
  return [
    '.\\" Generated from src/commands and src/config/schema.ts by `npm run docs`; do not edit.',
    `.TH ${programName.toUpperCase()} 1 "" "${programName} ${programVersion}" "User Commands"`,
    '.SH NAME',
    text(
      `${programName} - a GRASP server: a Nostr relay for git collaboration, and the git server beside it`,
    ),
    '.SH SYNOPSIS',
    `.B ${programName}`,
    text('[command] [arguments] [options]'),
    '.SH DESCRIPTION',
    text(
      'Without a command it runs the relay and git server. The commands that ask a running daemon find it by its data folder: ' +
        'give them the settings that the daemon was started with, or call them in its working directory.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandEntry),
    '.SH OPTIONS',
    text(
      `A setting is taken from its flag, else from its environment variable, else from the file of --${configFile.flag}, else it ` +
        'has its default. A list is comma separated, or its flag is given several times.',
    ),
    ...item('-h', '--help', ['Show the help of the program, or of the command.']),
    ...item('-V', '--version', ['Show the version.']),
    ...item(`--${configFile.flag}`, 'FILE', [
      'A JSON object whose keys are the flags below, without their dashes.',
      `Environment: ${configFile.variable}.`,
    ]),
    ...optionGroups.flatMap((group) => [
      `.SS ${text(group)}`,
      ...optionEntries.filter((entry) => entry.group === group).flatMap(optionItem),
    ]),
    '.SH EXIT STATUS',
    ...item('0', undefined, ['It was done.']),
    ...item(`${exitCodes.other}`, undefined, ['A fault was found, or all else that went wrong.']),
    ...item(`${exitCodes.usage}`, undefined, ['Wrong usage or settings.']),
    ...item(`${exitCodes.store}`, undefined, ['The store, a backup or the file of the key.']),
    ...item(`${exitCodes.network}`, undefined, ['The network, or no daemon runs.']),
    '.SH SIGNALS',
    ...item('SIGTERM', 'SIGINT', ['Ends the daemon in an orderly way; a second one ends it at once.']),
    ...item('SIGHUP', undefined, ['Has the daemon read its settings again, as reload does.']),
    '.SH FILES',
    ...item('.env', undefined, ['Settings as variables, a line NAME=value each, in the working directory.']),
    ...item('.relay-owner.nsec', undefined, [
      'The secret key of the relay owner, in the working directory, where the settings have none. Made once.',
    ]),
    ...item('data/relay', 'data/git', [
      'Events, and repositories, where the settings name no other folders.',
    ]),
    '.SH SEE ALSO',
    '.BR git (1),',
    'docs/README.md of the distribution.',
    '',
  ].join('\n');
}

function commandEntry({ name, usage, summary, details, flags, takesOptions }: Command): string[] {
  const words = [usage, takesOptions ? '[options]' : ''].filter((word) => word !== '').join(' ');
  return [
    `.SS ${text(`${name} ${words}`.trim())}`,
    text(`${summary}.`),
    ...(details === '' ? [] : ['.PP', ...details.split('\n').map(text)]),
    ...flags.flatMap((flag) => item(`--${flag.name}`, flag.placeholder, [`${flag.about}.`])),
  ];
}

function optionItem(entry: OptionEntry): string[] {
  const { flag, placeholder, variable, about, takes, changes } = entry;
  const facts = [
    `${about}.`,
    `Takes ${takes}. Default: ${defaultOf(entry)}.`,
    `${flag === undefined ? '' : `Environment: ${variable}. `}Changed by ${changes === 'live' ? 'reload' : 'restart'}.`,
  ];
  if (flag === undefined) return item(variable, undefined, facts);
  return item(`--${flag}`, placeholder ?? '[=true|false]', facts);
}

/** A term, in bold, with what follows it in italics, and what is said of it. */
function item(term: string, value: string | undefined, sentences: readonly string[]): string[] {
  const shown = value === undefined ? '' : `${value.startsWith('[') ? '' : ' '}\\fI${escaped(value)}\\fR`;
  return ['.TP', `\\fB${escaped(term)}\\fR${shown}`, ...sentences.map(text)];
}

/** A line of running text: what would be a request at its start is none. */
function text(line: string): string {
  const safe = escaped(line.trim());
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

/** Characters with a meaning in roff, and those that not every roff reads. */
function escaped(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/[^\n -~]/gu, (character) => {
      const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
      return `\\[u${code}]`;
    });
}
