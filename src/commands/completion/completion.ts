import { programName } from '../../config/version.js';
import { type Command, UsageError } from '../command.js';
import { bashCompletion } from './bash.js';
import { commandLineOf } from './command-line.js';
import { fishCompletion } from './fish.js';
import { zshCompletion } from './zsh.js';

const scripts = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/** Writes a script with which a shell completes what is typed of these commands, this one among them. */
export function completionOf(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'completion',
    summary: 'Write a script with which a shell completes commands, flags and their values',
    details: [
      `For bash: source <(${programName} completion bash), in ~/.bashrc.`,
      `For zsh: ${programName} completion zsh > _${programName}, in a folder of $fpath.`,
      `For fish: ${programName} completion fish > ~/.config/fish/completions/${programName}.fish`,
    ].join('\n'),
    usage: [...scripts.keys()].join('|'),
    positionalsMin: 1,
    positionalsMax: 1,
    flags: [],
    takesOptions: false,
    async run({ positionals: [shell = ''], stdout }) {
      const script = scripts.get(shell);
      if (script === undefined) throw new UsageError(`completion takes ${this.usage}, not '${shell}'`);
      stdout.write(script(programName, (await commands()).map(commandLineOf)));
      return 0;
    },
  };
}
