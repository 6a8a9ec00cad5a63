import { optionsHelp } from '../config/help.js';
import { programName, programVersion } from '../config/version.js';
import { largest } from '../lib/collections/lists.js';
import type { Command, CommandFlag } from './command.js';

/** The help of the whole program. */
export function programHelp(commands: readonly Command[]): string {
  const width = largest(commands.map((command) => usage(command).length));
  const rows = commands.map((command) => `  ${usage(command).padEnd(width)}  ${command.summary}`);
  return [
    `${programName} ${programVersion}: a GRASP server: a complete Nostr relay for git collaboration, and its git server`,
    '',
    `Usage: ${programName} [command] [options]`,
    '',
    'Commands:',
    ...rows,
    '',
    `See '${programName} COMMAND --help' for the flags of a command.`,
    '',
    optionsHelp(),
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const flags = command.flags.length === 0 ? [] : ['Flags:', ...command.flags.map(flagHelp), ''];
  const options = command.takesOptions ? [optionsHelp()] : [];
  return [
    `Usage: ${programName} ${usage(command)}${command.takesOptions ? ' [options]' : ''}`,
    '',
    command.summary,
    '',
    command.details,
    '',
    ...flags,
    ...options,
  ].join('\n');
}

function usage(command: Command): string {
  return command.usage === '' ? command.name : `${command.name} ${command.usage}`;
}

function flagHelp({ name, placeholder, about }: CommandFlag): string {
  return `  --${name}${placeholder === undefined ? '' : ` ${placeholder}`}\n      ${about}`;
}
