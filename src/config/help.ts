import { type OptionEntry, optionEntries, optionGroups } from './schema.js';
import { configFile } from './sources/option-sources.js';

const columns = 100;
const indent = 6;

/** The part of `--help` about options: by group, each with what it takes, its variable and its default. */
export function optionsHelp(): string {
  const config = [
    `  --${configFile.flag} FILE`,
    ...wrap('A JSON file whose keys are the flags below, without their dashes'),
    ...wrap(`[env ${configFile.variable}]`),
  ];
  const groups = optionGroups.map((group) => {
    const entries = optionEntries.filter((entry) => entry.group === group);
    return [`${group}:`, ...entries.flatMap(entryHelp)].join('\n');
  });
  return [`Options (a flag wins over the environment, that over the config file):`, ...config]
    .join('\n')
    .concat('\n\n', groups.join('\n\n'), '\n');
}

function entryHelp(entry: OptionEntry): string[] {
  const values = entry.placeholder?.includes('|') || entry.isList ? [] : takesHint(entry);
  return [
    `  ${heading(entry)}`,
    ...wrap(`${entry.about}${values.join('')}`),
    ...wrap(
      `[${entry.flag === undefined ? '' : `env ${entry.variable}, `}default: ${defaultOf(entry)}; changed by ${entry.changes === 'live' ? 'reload' : 'restart'}]`,
    ),
  ];
}

function takesHint({ takes, placeholder }: OptionEntry): string[] {
  return placeholder === 'N' ? [` (${takes.replace('a whole number ', '')})`] : [];
}

/** `--flag VALUE`, `--flag[=false]`, or `VARIABLE=1` for what is set in the environment only. */
export function heading({ flag, placeholder, variable }: OptionEntry): string {
  if (flag === undefined) return `${variable}=1`;
  return placeholder === undefined ? `--${flag}[=true|false]` : `--${flag} ${placeholder}`;
}

/** The default as text, also where it is an empty list. */
export function defaultOf({ defaultText }: OptionEntry): string {
  return defaultText === '' ? 'empty' : defaultText;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((part) => ' '.repeat(indent) + part);
}
