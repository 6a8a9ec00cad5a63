import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { createPoolVerifier } from '../../admission/verification/pool-verifier.js';
import { type CheckParts, checkBackup } from '../../backup/restore/check-backup.js';
import { type RestoreParts, restoreBackup } from '../../backup/restore/restore.js';
import type { Options } from '../../config/options.js';
import { createLogger } from '../../daemon/logger.js';
import { openStore } from '../../daemon/store/open-store.js';
import { surroundingsOf } from '../../daemon/surroundings.js';
import { GitRunner } from '../../git/git-runner.js';
import { systemClock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { hasLevelStore } from '../../store/level/folder.js';
import { openLevelStore } from '../../store/level/open-level-store.js';
import { type Command, type CommandFlag, type Invocation, UsageError } from '../command.js';
import { jsonFlag, wantsJson } from '../operator/ask.js';
import { type Progress, startProgress } from '../progress.js';
import { persistentOptions } from '../store-options.js';

const checkFlag: CommandFlag = {
  name: 'check',
  placeholder: undefined,
  about: 'Only read and check the backup',
  isSwitch: true,
  isList: false,
};

const updateFlag: CommandFlag = {
  name: 'update',
  placeholder: undefined,
  about: 'Make equal to the backup what an earlier one was restored into, before a daemon begins with it',
  isSwitch: true,
  isList: false,
};

/** Brings a backup back. */
export const restore: Command = {
  name: 'restore',
  summary:
    'Restore a backup (- for standard input) into empty data folders or an empty database, whole or not at all',
  details:
    'Its hash, and the id and signature of each event, are checked; git reads each pack. The daemon must not run yet. With --update\nthe events that are there already are not checked again, those that the backup does not have are removed, and so are\nbans and what waits for git data; it takes a backup without repositories. The exit code is 0; 1 when a repository was not\nwhole already in the backup, 2 for wrong usage, and 3 for a backup that cannot be used, or that must not go there: data\nfolders that cannot be written or are not empty, or a store that a daemon has begun with.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [checkFlag, updateFlag, jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const { signal, stdout, stderr } = invocation;
    const options = persistentOptions(invocation, 'restore');
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
        stdout.write(report(invocation, { ...about(manifest), ...end }, 'is whole'));
        return 0;
      }
      const isUpdate = invocation.flags.get('update') === 'true';
      const { manifest, end, ...became } = await restoreBackup(chunks, {
        ...parts,
        ...placesOf(options, isUpdate),
        isUpdate,
        git: new GitRunner(systemClock, signal),
        warn: (line) => display.print(`${line}\n`),
      });
      display.stop();
      stdout.write(report(invocation, { ...about(manifest), ...end, ...became }, 'is restored'));
      return became.faultyRepositories === 0 ? 0 : 1;
    } finally {
      display.stop();
    }
  },
};

/** Where it goes: to a new LevelDB, to the one that is to be made equal to it, or to a database of PostgreSQL. */
function placesOf(
  options: Options,
  isUpdate: boolean,
): Pick<RestoreParts, 'folders' | 'openStore' | 'openStanding'> {
  const events = resolve(options.relayDataPath);
  // All of it is forced to the disk at the end.
  const openLevel = (path: string) => openLevelStore({ path, clock: systemClock, durability: 'system' });
  const openPostgres = () => openStore(options, systemClock, {});
  const isPostgres = options.databaseBackend === 'postgresql';
  const openUpdated = isUpdate && hasLevelStore(events) ? () => openLevel(events) : undefined;
  return {
    folders: { events, git: resolve(options.gitDataPath) },
    openStore: openLevel,
    openStanding: isPostgres ? openPostgres : openUpdated,
  };
}

type Restored = Awaited<ReturnType<typeof restoreBackup>>;

const about = ({ moment, hasRepositories }: Restored['manifest']) => ({ moment, hasRepositories });

type Report = ReturnType<typeof about> &
  Pick<Restored['end'], 'events' | 'repositories'> &
  Partial<Omit<Restored, 'manifest' | 'end'>>;

function report(invocation: Invocation, found: Report, verb: string): string {
  if (wantsJson(invocation)) return `${JSON.stringify(found)}\n`;
  const { moment, hasRepositories, events, repositories, faultyRepositories = 0 } = found;
  const { storedEvents = events, addedEvents = storedEvents, removedEvents = 0 } = found;
  const what = `${events} events${hasRepositories ? `, ${repositories} repositories` : ''}`;
  return [
    `the backup of ${moment} ${verb}: ${what}`,
    ...(storedEvents === events ? [] : [`${events - storedEvents} events have expired since`]),
    ...(addedEvents === storedEvents && removedEvents === 0
      ? []
      : [`${addedEvents} events were added, ${removedEvents} removed`]),
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
