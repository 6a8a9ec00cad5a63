import { type OptionEntry, optionEntries } from '../../config/schema.js';
import type { RawValue } from '../../config/value-kinds.js';
import type { ReloadReport } from '../../control/reports.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { askAt, firstOf, jsonFlag, wantsJson } from './ask.js';

const relayDataPath = optionEntries.find(({ key }) => key === 'relayDataPath') as OptionEntry;

/** Has the running daemon take its settings anew. */
export const reload: Command = {
  name: 'reload',
  summary: 'Have the running daemon read its settings again, without ending a connection',
  details:
    'It reads the flags and the environment that it was started with, and .env and the config file as they are now; all that\ncan change while it runs does, or, where anything is wrong, nothing. SIGHUP does the same. Of the settings that are given\nto this command only the data folder counts. The exit code is 0, 2 for wrong usage or where the settings are refused,\nand 4 where no daemon runs with this data folder.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [jsonFlag, acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const body = acceptedClosing(invocation);
    const report = await firstOf(
      askAt<ReloadReport>(invocation, dataPathOf(invocation), { path: '/reload', body }),
    );
    if (wantsJson(invocation)) {
      invocation.stdout.write(`${JSON.stringify(report)}\n`);
      return report.type === 'refused' ? exitCodes.usage : 0;
    }
    if (report.type === 'refused') throw new UsageError(`the settings stay as they were: ${report.why}`);
    invocation.stdout.write(wordsOf(report));
    return 0;
  },
};

/** The data folder, also where something else is wrong with the settings: what that is the daemon says, and logs. */
function dataPathOf({ givenValues, flags, environment }: Invocation): string {
  const { flag, variable, defaultText } = relayDataPath;
  let given: RawValue | undefined;
  try {
    given = givenValues().get(relayDataPath.key)?.raw;
  } catch {
    given = flags.get(flag ?? '') ?? environment[variable];
  }
  return String(given ?? defaultText);
}

function wordsOf({ changed, needRestart }: Extract<ReloadReport, { readonly type: 'applied' }>): string {
  const lines = [
    changed.length === 0 ? 'nothing has changed that takes effect now' : `changed: ${changed.join(', ')}`,
    ...(needRestart.length === 0 ? [] : [`take effect at the next start: ${needRestart.join(', ')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
