import { defaultOf, heading } from '../src/config/help.js';
import { type OptionEntry, optionEntries, optionGroups } from '../src/config/schema.js';
import { configFile } from '../src/config/sources/option-sources.js';

const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function row(entry: OptionEntry): string {
  const flag = entry.flag === undefined ? '—' : `\`${heading(entry).replaceAll('|', '\\|')}\``;
  const cells = [
    flag,
    `\`${entry.variable}\``,
    cell(entry.takes),
    cell(defaultOf(entry)),
    entry.changes === 'live' ? 'reload' : 'restart',
    cell(entry.about),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The reference page of all options (`docs/configuration.md`), from the option schema. */
export function referencePage(): string {
  const sections = optionGroups.map((group) => {
    const rows = optionEntries.filter((entry) => entry.group === group).map(row);
    return [
      `## ${group}`,
      '',
      '| flag | environment | takes | default | changed by | what it does |',
      '|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  });
  return [
    '# Configuration',
    '',
    '<!-- Generated from src/config/schema.ts by `npm run docs`; do not edit. -->',
    '',
    'A setting is taken from its flag, else from its environment variable, else from the config file, else it has its',
    'default. A wrong value stops the start with one line that names the setting and what it takes. Unknown flags and',
    'unknown keys of the config file are errors; a `NGIT_*` variable that is no setting is warned about, with the nearest name,',
    'and a variable that is set to nothing counts as not set. Variables may also stand in a file `.env` in the working directory,',
    'a line `NAME=value` each; what the environment itself has goes before that. `NGIT_SYNC_ALLOW_NON_GLOBAL_TARGETS` is',
    'another name of `NGIT_SYNC_ALLOW_PRIVATE_RELAYS`.',
    '',
    `The config file is named by \`--${configFile.flag} FILE\` or \`${configFile.variable}\`. It holds one JSON object whose keys are the`,
    'flags without their dashes:',
    '',
    '```json',
    '{',
    '  "domain": "git.example.org",',
    '  "bind-address": "0.0.0.0:7334",',
    '  "sync-bootstrap-relay-url": ["relay.example.org", "wss://other.example.net"],',
    '  "metrics-enabled": true',
    '}',
    '```',
    '',
    'A list is comma separated; in the config file it may be a JSON list, and as a flag it may be given several times.',
    '',
    '## Changes while it runs',
    '',
    '`graspd reload`, or `SIGHUP`, has the running daemon read its settings again: the flags and the environment that it was',
    'started with, and `.env` and the config file as they are now. What the tables say is changed by *reload* takes effect at once,',
    'all of it together, and no connection ends for it: connections above a new limit stay. What is changed by *restart* is named,',
    'and waits for that. When anything is wrong, nothing changes: `graspd reload` says why and its exit code is 2, and the log says',
    'it too. The environment of a process is fixed, so what is to be changed this way belongs into `.env` or the config file.',
    '',
    'When the lists or archive settings change, every repository is judged anew. One that is served no longer is closed, and',
    'removed when its grace period is over; one that is served again is opened. Events that were refused for a rule that changed may come',
    'again, and are asked for. Settings that would close many repositories are refused as at a start; `graspd reload --accept-closing N`',
    'accepts it once. Stored events of an author who comes on `--event-blacklist` stay; new ones are refused.',
    '',
    ...sections,
    '## Combinations that stop the start',
    '',
    '- `--archive-grasp-services` together with `--archive-all` or `--archive-whitelist`.',
    '- `--archive-read-only` without any other archive setting.',
    '- `--repository-whitelist` together with a read-only archive, also where read-only is the default.',
    '- `--bind-address` that is not loopback without `--domain`.',
    '- `--sync-max-backoff-secs` below `--sync-base-backoff-secs`.',
    '',
  ].join('\n');
}
