import { type CommandFlag, type Invocation, textFlag, UsageError } from './command.js';

/** Of the commands that close repositories which the settings do not admit. */
export const acceptClosingFlag: CommandFlag = {
  name: 'accept-closing',
  placeholder: 'N',
  about: 'Go on though these settings close many repositories, up to N; for one call, not a setting',
  isSwitch: false,
  isList: false,
};

/** How many repositories the operator accepts to be closed; 0 where nothing is said. Throws `UsageError`. */
export function acceptedClosing(invocation: Invocation): number {
  const text = textFlag(invocation, acceptClosingFlag.name);
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${acceptClosingFlag.name} takes a whole number`);
  return Number(text);
}
