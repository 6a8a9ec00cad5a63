import {
  type CommandLine,
  commonLines,
  type FlagLine,
  optionLines,
  otherWords,
  type ValueHint,
} from './command-line.js';

/** A completion script for fish. */
export function fishCompletion(program: string, commands: readonly CommandLine[]): string {
  const words = [...commands, ...otherWords];
  const without = commands.filter(({ takesOptions }) => !takesOptions).map(({ name }) => name);
  const noOptions = [...without, ...otherWords.map(({ name }) => name)].join(' ');
  return [
    `# fish completion of ${program}, made by \`${program} completion fish\``,
    `complete -c ${program} -f`,
    ...words.map(({ name, summary }) => offer('__fish_use_subcommand', `-a ${name}`, summary)),
    ...optionLines.map((flag) => flagLine(`not __fish_seen_subcommand_from ${noOptions}`, flag)),
    ...commonLines.map((flag) => `complete -c ${program} -l ${flag.name} -d ${quoted(flag.about)}`),
    // Without a command the first one is meant.
    ...(commands[0]?.flags ?? []).map((flag) => flagLine('__fish_use_subcommand', flag)),
    ...commands.flatMap(ofCommand),
    offer('__fish_seen_subcommand_from help', `-a ${quoted(commands.map(({ name }) => name).join(' '))}`),
    '',
  ].join('\n');

  function ofCommand({ name, flags, argument }: CommandLine): string[] {
    const condition = `__fish_seen_subcommand_from ${name}`;
    return [
      ...flags.map((flag) => flagLine(condition, flag)),
      ...(argument === undefined || argument === 'free' ? [] : [offer(condition, choices(argument))]),
    ];
  }

  function flagLine(condition: string, { name, about, value }: FlagLine): string {
    const takes = value === undefined ? '' : ` ${value === 'file' ? '-r -F' : `-x ${choices(value)}`}`;
    return offer(condition, `-l ${name}${takes.trimEnd()}`, about);
  }

  function offer(condition: string, what: string, about?: string): string {
    const explained = about === undefined ? '' : ` -d ${quoted(about)}`;
    return `complete -c ${program} -n ${quoted(condition)} ${what}${explained}`;
  }
}

function choices(value: Exclude<ValueHint, undefined>): string {
  if (value === 'free') return '';
  return value === 'file' ? '-F' : `-a ${quoted(value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
