import type { Options } from '../../config/options.js';
import { askDaemon } from '../../control/control-client.js';
import type { DoctorReport } from '../../control/reports.js';
import { openStore } from '../../daemon/core.js';
import { checkRepairs, examineRepositories } from '../../daemon/operator/examination.js';
import { systemClock } from '../../lib/clock.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import { examineData } from '../check/examine-data.js';
import type { Command } from '../command.js';
import { jsonFlag } from '../operator/ask.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { existingStoreOptions } from '../store-options.js';
import { faultsSaidTo, readAllEvents, repairUnreadableFiles, sayLosses } from './doctor-events.js';
import { Findings } from './findings.js';
import { storedParts } from './stored-repositories.js';

/** Reads all stored events, and compares repositories on disk with them: by the daemon where one runs, else itself. */
export const doctor: Command = {
  name: 'doctor',
  summary:
    'Read all stored events, compare repositories on disk with them, and report what is damaged or differs',
  details:
    'The exit code is 0 when no fault is found, or none is left after --fix, else 1. A running daemon looks itself, while it\nserves, and forgets lost events also without --fix; where none runs, this looks as graspd check does.',
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

/** Opens the store, which no daemon has open, and repairs it. */
async function repairHere(
  options: Options,
  accepted: number,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { say } = findings;
  await repairUnreadableFiles(options, say);
  const opened = await openStore(options, systemClock, { ...faultsSaidTo(say), readsWholeLog: true });
  const { store, losses } = opened;
  await using _ = store;
  sayLosses(say, losses);
  await readAllEvents(store, signal);
  const parts = await storedParts(options, opened, signal);
  await checkRepairs(options, parts, accepted);
  await findings.sayAll(examineRepositories(parts, true, signal));
}
