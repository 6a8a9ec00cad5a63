import { once } from 'node:events';
import { followBackup } from '../../backup/follow.js';
import type { BackupEnd, Manifest } from '../../backup/format.js';
import { systemClock } from '../../lib/clock.js';
import { type Command, type CommandFlag, type Invocation, UsageError } from '../command.js';
import { jsonFlag, wantsJson } from '../operator/ask.js';
import { type Progress, startProgress } from '../progress.js';
import { BackupFile } from './backup-file.js';
import { backupBytes } from './source.js';

const forceFlag: CommandFlag = {
  name: 'force',
  placeholder: undefined,
  about: 'Replace FILE where it is there already, once the backup is whole',
  isSwitch: true,
  isList: false,
};

const withoutGitFlag: CommandFlag = {
  name: 'without-git',
  placeholder: undefined,
  about: 'Leave the repositories out: events, and all else that the database has',
  isSwitch: true,
  isList: false,
};

/** Writes all that is stored, as it is at one moment, to one file. */
export const backup: Command = {
  name: 'backup',
  summary: 'Write all events and repositories, as they are at one moment, to a file (- for standard output)',
  details:
    'It is a tar file. The daemon goes on meanwhile; where none runs, the data folders are read. What was acknowledged before\nthe command began is in it; the key of the relay owner is not. FILE appears when it is whole and was checked. The exit\ncode is 0; 1 when something damaged had to be left out, 2 for wrong usage, 3 when FILE cannot be written or the store not\nread, 4 when the daemon does not answer.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [forceFlag, withoutGitFlag, jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const [name = ''] = invocation.positionals;
    const { manifest, end, bytes } = await take(name, invocation);
    const out = name === '-' ? invocation.stderr : invocation.stdout;
    const { sha256: _, bytes: __, ...counts } = end;
    const { moment, hasRepositories } = manifest;
    const report = { file: name, bytes, moment, hasRepositories, ...counts };
    out.write(wantsJson(invocation) ? `${JSON.stringify(report)}\n` : wordsOf(report));
    return end.damagedEvents + end.unreadableRepositories === 0 ? 0 : 1;
  },
};

type Taken = { readonly manifest: Manifest; readonly end: BackupEnd; readonly bytes: number };

async function take(name: string, invocation: Invocation): Promise<Taken> {
  const source = backupBytes(invocation, invocation.flags.get('without-git') !== 'true');
  if (name === '-') {
    if (invocation.stdout.isTTY === true) throw new UsageError('a backup is no text: give a file, or a pipe');
    return await follow(throughStdout(source, invocation), invocation);
  }
  await using file = await BackupFile.create(name, invocation.flags.get('force') === 'true');
  const taken = await follow(file.through(source), invocation);
  await file.finish();
  return taken;
}

/** Checks what comes, and shows how far it is. */
async function follow(chunks: AsyncIterable<Uint8Array>, invocation: Invocation): Promise<Taken> {
  let progress: Progress | undefined;
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  try {
    const followed = await followBackup(counted(), (events, repositories, { expected }) => {
      const total = expected.events + expected.repositories;
      progress ??= startProgress(invocation, 'backup', total, systemClock);
      progress.update(events + repositories, `${events} events, ${repositories} repositories`);
    });
    return { ...followed, bytes };
  } finally {
    progress?.stop();
  }
}

async function* throughStdout(
  chunks: AsyncIterable<Uint8Array>,
  { stdout, signal }: Invocation,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (!stdout.write(chunk)) await once(stdout, 'drain', { signal });
    yield chunk;
  }
}

type Report = Omit<BackupEnd, 'sha256'> & {
  readonly file: string;
  readonly moment: string;
  readonly hasRepositories: boolean;
};

function wordsOf(report: Report): string {
  const { file, bytes, moment, hasRepositories, events, repositories } = report;
  const { damagedEvents, unreadableRepositories } = report;
  const megabytes = (bytes / 1_000_000).toFixed(1);
  const what = `${events} events${hasRepositories ? ` and ${repositories} repositories` : ''}`;
  return [
    `${file}: ${what} as of ${moment}, ${megabytes} MB`,
    ...(damagedEvents === 0 ? [] : [`${damagedEvents} damaged events are left out (see graspd doctor)`]),
    ...(unreadableRepositories === 0
      ? []
      : [`${unreadableRepositories} repositories cannot be read and are left out; the log says which`]),
    '',
  ].join('\n');
}
