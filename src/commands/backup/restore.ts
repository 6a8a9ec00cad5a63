import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { createPoolVerifier } from '../../admission/verification/pool-verifier.js';
import { type CheckParts, checkBackup, restoreBackup } from '../../backup/restore.js';
import { createLogger } from '../../daemon/logger.js';
import { surroundingsOf } from '../../daemon/surroundings.js';
import { GitRunner } from '../../git/git-runner.js';
import { systemClock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { openLevelStore } from '../../store/level/open-level-store.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { jsonFlag, wantsJson } from '../operator/ask.js';
import { type Progress, startProgress } from '../progress.js';
import { levelOptions, persistentOptions } from '../store-options.js';

/** Brings a backup back. */
export const restore: Command = {
  name: 'restore',
  summary: 'Restore a backup (- for standard input) into empty data folders, whole or not at all',
  details:
    'Its hash, and the id and signature of each event, are checked; git reads each pack. The daemon must not run yet. The exit\ncode is 0; 1 when a repository was not whole already in the backup, 2 for wrong usage, and 3 for a backup that cannot be\nused or data folders that cannot be written, or are not empty.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [
    {
      name: 'check',
      placeholder: undefined,
      about: 'Only read and check the backup',
      isSwitch: true,
      isList: false,
    },
    jsonFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const { signal, stdout, stderr } = invocation;
    const options = levelOptions(invocation, 'restore', persistentOptions);
    const chunks = await openSource(invocation);
    const { faults } = surroundingsOf(createLogger(options.logLevel ?? 'warn', stderr));
    const { verifyWorkers: workers, signatureLibrary: library } = options;
    await using verifier = createPoolVerifier({ workers, library, faults });
    const display = new Display(invocation);
    try {
      const parts: CheckParts = { verifier, signal, onProgress: display.update };
      if (invocation.flags.get('check') === 'true') {
        const { manifest, end } = await checkBackup(chunks, parts);
        display.stop();
        stdout.write(report(invocation, { moment: manifest.moment, ...end }, 'is whole'));
        return 0;
      }
      const { manifest, end, storedEvents, faultyRepositories } = await restoreBackup(chunks, {
        ...parts,
        folders: { events: resolve(options.relayDataPath), git: resolve(options.gitDataPath) },
        git: new GitRunner(systemClock, signal),
        openStore: (path) => openLevelStore({ path, clock: systemClock, durability: 'system' }),
        warn: (line) => display.print(`${line}\n`),
      });
      display.stop();
      const found = { moment: manifest.moment, ...end, storedEvents, faultyRepositories };
      stdout.write(report(invocation, found, 'is restored'));
      return faultyRepositories === 0 ? 0 : 1;
    } finally {
      display.stop();
    }
  },
};

type Report = {
  readonly moment: string;
  readonly events: number;
  readonly repositories: number;
  readonly storedEvents?: number;
  readonly faultyRepositories?: number;
};

function report(invocation: Invocation, found: Report, verb: string): string {
  if (wantsJson(invocation)) return `${JSON.stringify(found)}\n`;
  const { moment, events, repositories, storedEvents = events, faultyRepositories = 0 } = found;
  return [
    `the backup of ${moment} ${verb}: ${events} events, ${repositories} repositories`,
    ...(storedEvents === events ? [] : [`${events - storedEvents} events have expired since`]),
    ...(faultyRepositories === 0
      ? []
      : [`${faultyRepositories} repositories are not whole; the daemon looks for what they lack`]),
    '',
  ].join('\n');
}

async function openSource({ positionals, stdin, signal }: Invocation): Promise<AsyncIterable<Uint8Array>> {
  const [path = ''] = positionals;
  if (path === '-') return addAbortSignal(signal, stdin);
  const found = await stat(path).catch((error: unknown) => {
    throw new UsageError(`restore cannot read ${path}: ${errorMessage(error)}`);
  });
  if (!found.isFile()) throw new UsageError(`restore takes a file; ${path} is none`);
  return addAbortSignal(signal, createReadStream(path));
}

/** The progress, which is shown as soon as it is known how much there is. */
class Display {
  readonly #invocation: Invocation;
  #progress: Progress | undefined;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  readonly update: CheckParts['onProgress'] = (events, repositories, { expected }) => {
    const total = expected.events + expected.repositories;
    this.#progress ??= startProgress(this.#invocation, 'restore', total, systemClock);
    this.#progress.update(events + repositories, `${events} events, ${repositories} repositories`);
  };

  print(line: string): void {
    if (this.#progress === undefined) this.#invocation.stderr.write(line);
    else this.#progress.print(line);
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}
