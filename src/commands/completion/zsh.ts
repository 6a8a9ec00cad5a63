import {
  type CommandLine,
  commonLines,
  type FlagLine,
  optionLines,
  otherWords,
  switchValues,
  type ValueHint,
} from './command-line.js';

/** A completion script for zsh: the function `_PROGRAM` of its completion system, in a file of that name. */
export function zshCompletion(program: string, commands: readonly CommandLine[]): string {
  const names = [...commands, ...otherWords].map(({ name, summary }) =>
    quoted(`${name}:${summary.replaceAll(':', '\\:')}`),
  );
  return `#compdef ${program}
# zsh completion of ${program}, made by \`${program} completion zsh\`
_${program}() {
  local command=${commands[0]?.name}
  local -a commands options
  commands=(
${indented(names)}
  )
  options=(
${indented(optionLines.map(flagSpec))}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe -t commands command commands
    return
  fi
  if [[ $words[2] != -* ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${commands.map(commandCase).join('\n')}
    help) _arguments ${quoted(`1:command:(${commands.map(({ name }) => name).join(' ')})`)} ;;
  esac
}
# Read by compinit from a folder of $fpath, or by eval.
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function commandCase({ name, flags, takesOptions, argument }: CommandLine): string {
  const specs = [...flags, ...commonLines].map(flagSpec);
  const options = takesOptions ? ' $options' : '';
  const rest = argument === undefined ? [] : [quoted(`*:argument:${actionOf(argument)}`)];
  return `    ${name}) _arguments${options} ${[...specs, ...rest].join(' ')} ;;`;
}

/** What `_arguments` has to know of a flag. */
function flagSpec({ name, about, value, isList }: FlagLine): string {
  const explained = `[${about.replaceAll(/[[\]:\\]/g, '\\$&')}]`;
  const spec =
    value === undefined
      ? `--${name}=-${explained}::value:(${switchValues.join(' ')})`
      : `--${name}=${explained}:value:${actionOf(value)}`;
  return quoted(isList ? `*${spec}` : spec);
}

function actionOf(value: Exclude<ValueHint, undefined>): string {
  if (value === 'free') return ' ';
  return value === 'file' ? '_files' : `(${value.join(' ')})`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
