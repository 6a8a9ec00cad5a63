import { askDaemon } from '../../control/control-client.js';
import type { DoctorReport } from '../../control/reports.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import { examineData } from '../check/examine-data.js';
import type { Command } from '../command.js';
import { jsonFlag } from '../operator/ask.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { repairHere } from '../repair/repair-here.js';
import { existingStoreOptions } from '../store-options.js';
import { Findings } from './findings.js';

/** Reads all stored events, and compares repositories on disk with them: by the daemon where one runs, else itself. */
export const doctor: Command = {
  name: 'doctor',
  summary:
    'Read all stored events, compare repositories on disk with them, and report what is damaged or differs',
  details:
    'The exit code is 0 when no fault is found, or none is left after --fix, else 1. A running daemon looks itself, while it\nserves, and forgets lost events also without --fix; where none runs, this looks as graspd check does, and repairs as graspd\nrepair does.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'fix',
      placeholder: undefined,
      about: 'Repair what is reported; a repository too many is closed, and goes after its grace period',
      isSwitch: true,
      isList: false,
    },
    acceptClosingFlag,
    jsonFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const options = existingStoreOptions(invocation, 'doctor');
    const isToFix = invocation.flags.get('fix') === 'true';
    const accepted = acceptedClosing(invocation);
    const findings = new Findings(invocation);
    const socket = await runningDaemon(options);
    const { signal } = invocation;
    if (socket === undefined && isToFix) await repairHere(options, accepted, findings, signal);
    else if (socket === undefined) await findings.sayAll(examineData(options, signal));
    else {
      const request = { path: '/doctor', body: { isToFix, accepted } };
      await findings.sayAll(askDaemon(socket, request, signal) as AsyncGenerator<DoctorReport>);
    }
    return findings.end();
  },
};
