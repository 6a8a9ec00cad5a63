import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import { type Command, UsageError } from '../command.js';
import { Findings } from '../doctor/findings.js';
import { jsonFlag } from '../operator/ask.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { levelOptions } from '../store-options.js';
import { repairHere } from './repair-here.js';

/** Repairs the data of a daemon that does not run, and says what was lost. */
export const repair: Command = {
  name: 'repair',
  summary: 'Repair the data of a stopped daemon, say what was lost, and keep what is replaced',
  details:
    'A damaged database or repository is made anew of all that can be read; what it was before is moved to a folder named lost,\nbeside the data. The daemon then asks other relays and git servers for what lacks. The exit code is 0 when graspd check would\nfind no fault any more, 1 when it would, 2 while a daemon runs, and 3 where the data cannot be written.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [acceptClosingFlag, jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const options = levelOptions(invocation, 'repair');
    const accepted = acceptedClosing(invocation);
    if ((await runningDaemon(options)) !== undefined)
      throw new UsageError('a daemon runs with this data folder: stop it first, or call graspd doctor --fix');
    const findings = new Findings(invocation);
    await repairHere(options, accepted, findings, invocation.signal);
    return findings.end();
  },
};
