import { optionEntries } from '../config/schema.js';
import type { GivenValue } from '../config/sources/option-sources.js';
import { unknownVariables } from '../config/sources/unknown-variables.js';
import type { Command } from './command.js';

/** Says what the daemon would be started with, and what is wrong with it. */
export const checkConfig: Command = {
  name: 'check-config',
  summary: 'Say which settings are given, and where, and whether the daemon can start with them',
  details:
    'The exit code is 0 when it can, and 2 for a wrong setting, which is named. A variable that is no setting is warned about.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [],
  takesOptions: true,
  async run({ environment, givenValues, readOptions, stdout, stderr }) {
    readOptions();
    const given = givenValues();
    for (const { key, flag, variable, isSecret } of optionEntries) {
      const value = given.get(key);
      if (value !== undefined) stdout.write(`${lineOf(flag ?? variable, value, isSecret === true)}\n`);
    }
    if (given.size === 0) stdout.write('every setting has its default\n');
    const { misspelt, ofNgitGrasp } = unknownVariables(environment);
    for (const { variable, meant } of misspelt) {
      const hint = meant === undefined ? '' : `; ${meant} is one`;
      stderr.write(`warning: ${variable} is no setting${hint}\n`);
    }
    for (const variable of ofNgitGrasp) {
      stderr.write(`warning: ${variable} is a setting of ngit-grasp that graspd needs not\n`);
    }
    return 0;
  },
};

function lineOf(option: string, { raw, name }: GivenValue, isSecret: boolean): string {
  const text = typeof raw === 'string' ? raw : raw.join(',');
  const isFlag = name === `--${option}`;
  const source = isFlag ? 'flag' : name.replace(/^'.*' in /, '');
  return `${option} = ${isSecret ? '(secret)' : text}  [${source}]`;
}
