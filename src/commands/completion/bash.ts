import {
  type CommandLine,
  commonLines,
  type FlagLine,
  optionLines,
  otherWords,
  switchValues,
  type ValueHint,
} from './command-line.js';

/** A completion script for bash, 3.2 or newer. All names in it are of letters and dashes, so that nothing needs quotes. */
export function bashCompletion(program: string, commands: readonly CommandLine[]): string {
  const names = [...commands, ...otherWords].map(({ name }) => name);
  const values = [
    ...casesOf('*', optionLines),
    ...commands.flatMap(({ name, flags }) => casesOf(name, flags)),
  ];
  return `# bash completion of ${program}, made by \`${program} completion bash\`
_${program}_lines() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}
_${program}_words() { _${program}_lines < <(compgen -W "$1" -- "$2"); }
_${program}_files() {
  compopt -o filenames 2>/dev/null
  _${program}_lines < <(compgen -f -- "$1")
}
_${program}() {
  COMPREPLY=()
  local options='${flagNames(optionLines)}'
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]} command=${commands[0]?.name} joined=
  # Bash makes three words of --flag=value.
  if [[ $cur == = ]]; then cur= joined=yes
  elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]} joined=yes
  fi
  [[ $COMP_CWORD -gt 1 && \${COMP_WORDS[1]} != -* ]] && command=\${COMP_WORDS[1]}
  case "$command $flag" in
${values.join('\n')}
  esac
  if [[ $joined ]]; then _${program}_words '${switchValues.join(' ')}' "$cur"; return; fi
  if [[ $cur == -* ]]; then
    case $command in
${commands.map(flagsCase(program)).join('\n')}
    esac
    return
  fi
  if [[ $COMP_CWORD -eq 1 ]]; then _${program}_words '${names.join(' ')}' "$cur"; return; fi
  case $command in
${commands.flatMap(argumentCase(program)).join('\n')}
    help) _${program}_words '${commands.map(({ name }) => name).join(' ')}' "$cur" ;;
  esac
}
complete -F _${program} ${program}
`;

  /** One case for the flags of each kind of value. */
  function casesOf(command: string, flags: readonly FlagLine[]): string[] {
    const byReply = new Map<string, string[]>();
    for (const { name, value } of flags) {
      if (value === undefined) continue;
      const reply = replyOf(program, value);
      byReply.set(reply, [
        ...(byReply.get(reply) ?? []),
        command === '*' ? `*" --${name}"` : `"${command} --${name}"`,
      ]);
    }
    return [...byReply].map(
      ([reply, patterns]) => `    ${patterns.join('|')}) ${reply === '' ? '' : `${reply}; `}return ;;`,
    );
  }
}

function flagsCase(program: string) {
  return ({ name, flags, takesOptions }: CommandLine): string => {
    const own = flagNames([...flags, ...commonLines]);
    return `      ${name}) _${program}_words "${own}${takesOptions ? ' $options' : ''}" "$cur" ;;`;
  };
}

function flagNames(flags: readonly FlagLine[]): string {
  return flags.map(({ name }) => `--${name}`).join(' ');
}

function argumentCase(program: string) {
  return ({ name, argument }: CommandLine): string[] =>
    argument === undefined || argument === 'free' ? [] : [`    ${name}) ${replyOf(program, argument)} ;;`];
}

/** The call that offers what a value may be; none where only the operator knows. */
function replyOf(program: string, value: Exclude<ValueHint, undefined>): string {
  if (value === 'free') return '';
  return value === 'file' ? `_${program}_files "$cur"` : `_${program}_words '${value.join(' ')}' "$cur"`;
}
