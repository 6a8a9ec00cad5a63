import { resolve } from 'node:path';
import { Registry } from 'prom-client';
import type { Options } from '../../config/options.js';
import { askDaemon } from '../../control/control-client.js';
import type { DoctorReport } from '../../control/reports.js';
import { openStore } from '../../daemon/core.js';
import { checkRepairs, examineRepositories } from '../../daemon/operator/examination.js';
import { heldSettingsOf, servingRulesOf } from '../../daemon/settings.js';
import { BareRepositories } from '../../git/bare-repositories.js';
import { GitRunner } from '../../git/git-runner.js';
import { RefChanges } from '../../git/ref-changes.js';
import { systemClock } from '../../lib/clock.js';
import { KeyedLocks } from '../../lib/turns/keyed-locks.js';
import { Purgatory } from '../../purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../purgatory/purgatory-metrics.js';
import { RepositoryDirectory } from '../../repositories/repository-directory.js';
import { RepositoryServing } from '../../repositories/serving.js';
import type { Journal } from '../../store/journal.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import type { Command } from '../command.js';
import { jsonFlag } from '../operator/ask.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { existingStoreOptions } from '../store-options.js';
import { examineFiles, faultsSaidTo, readAllEvents, sayLosses } from './doctor-events.js';
import { Findings } from './findings.js';

/** Reads all stored events, and compares repositories on disk with them: by the daemon where one runs, else itself. */
export const doctor: Command = {
  name: 'doctor',
  summary:
    'Read all stored events, compare repositories on disk with them, and report what is damaged or differs',
  details:
    'The exit code is 0 when no fault is found, or none is left after --fix, else 1. A running daemon looks itself, while it\nserves, and forgets lost events also without --fix; stopped, the files of the database and its whole log are read, too.',
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
    if (socket === undefined) await examineHere(options, isToFix, accepted, findings, invocation.signal);
    else {
      const request = { path: '/doctor', body: { isToFix, accepted } };
      await findings.sayAll(askDaemon(socket, request, invocation.signal) as AsyncGenerator<DoctorReport>);
    }
    return findings.end();
  },
};

/** Opens the store, which no daemon has open, and looks. */
async function examineHere(
  options: Options,
  isToFix: boolean,
  accepted: number,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { say } = findings;
  await examineFiles(options, isToFix, say);
  const faults = faultsSaidTo(say, isToFix);
  const opened = await openStore(options, systemClock, { ...faults, readsWholeLog: true });
  const { store, journal, losses } = opened;
  await using _ = store;
  sayLosses(say, losses);
  await readAllEvents(store, signal);
  const directory = new RepositoryDirectory(new RepositoryServing(servingRulesOf(options)));
  await directory.load(store);
  const purgatory = await loadHeld(options, journal, directory);
  const git = new GitRunner(systemClock, signal);
  const repositories = new BareRepositories(resolve(options.gitDataPath), git);
  if (isToFix) await checkRepairs(options, { directory, repositories }, accepted);
  const locks = new KeyedLocks();
  const refChanges = new RefChanges();
  const now = () => systemClock.now();
  const parts = { store, directory, purgatory, git, repositories, locks, refChanges, now };
  await findings.sayAll(examineRepositories(parts, isToFix, signal));
}

/** What waits for git data: it has repositories too. What expired since the daemon ran has none any more. */
async function loadHeld(
  options: Options,
  journal: Journal,
  directory: RepositoryDirectory,
): Promise<Purgatory> {
  const purgatory = new Purgatory({
    journal,
    clock: systemClock,
    settings: heldSettingsOf(options),
    metrics: new PurgatoryMetrics(new Registry()),
    listener: directory,
  });
  await purgatory.load();
  for (const { event } of purgatory.due()) directory.onReleased(event);
  return purgatory;
}
