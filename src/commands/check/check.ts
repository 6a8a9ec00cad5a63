import { createLogger } from '../../daemon/logger.js';
import { surroundingsOf } from '../../daemon/surroundings.js';
import { type Command, UsageError } from '../command.js';
import { Findings } from '../doctor/findings.js';
import { jsonFlag } from '../operator/ask.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { levelOptions } from '../store-options.js';
import { examineData, verifying } from './examine-data.js';

/** Proves of the data of a daemon that does not run that index, events and repositories agree, and changes nothing. */
export const check: Command = {
  name: 'check',
  summary: 'Prove of a stopped daemon that index, events and repositories agree; nothing is changed',
  details:
    'It reads the whole log and every event, and compares them with the index, its snapshot, the rules of NIP-01 and NIP-09, the\njournal and the repositories. The exit code is 0 when no fault is found, 1 when there is one, 2 while a daemon runs, and 3\nwhere the store cannot be opened at all.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'signatures',
      placeholder: undefined,
      about: 'Check the signature of every event, too',
      isSwitch: true,
      isList: false,
    },
    jsonFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const { flags, signal } = invocation;
    const options = levelOptions(invocation, 'check');
    if ((await runningDaemon(options)) !== undefined)
      throw new UsageError(
        'a daemon runs with this data folder: stop it first, or have it look itself (graspd doctor)',
      );
    const findings = new Findings(invocation);
    if (flags.get('signatures') === 'true') {
      const { faults } = surroundingsOf(createLogger(options.logLevel ?? 'warn', invocation.stderr));
      await findings.sayAll(verifying(options, faults, (verify) => examineData(options, signal, verify)));
    } else await findings.sayAll(examineData(options, signal));
    return findings.end();
  },
};
