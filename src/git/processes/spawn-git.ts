import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import { type ObjectFolders, objectsEnvironment } from '../objects/object-folders.js';

/**
 * Nothing of the operator's own git set-up has a say: no system or user configuration, no prompt, no replacement
 * objects, no fetching of missing objects. Messages are in one language.
 */
function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
  };
}

/**
 * Hooks that somebody put into a repository are never run, and git never repacks by itself: when that is done, and beside
 * what, is decided by `src/maintenance`. Whoever owns the folders, as of a volume, they are those that we were given. All
 * that is written is forced to the disk: by itself git leaves refs to the system, and a power failure leaves them empty.
 * Who packs objects, for a clone, a push or a repack, does so with one thread and little memory, and compares no large blobs
 * with each other: by itself git holds ten of them on each thread, of which strangers choose the size.
 */
const alwaysConfigured = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'],
  ...['-c', 'safe.directory=*'],
  ...['-c', 'core.fsync=all'],
  ...['-c', 'pack.threads=1', '-c', 'pack.windowMemory=128m', '-c', 'core.bigFileThreshold=128m'],
  ...['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'receive.autogc=false'],
];

/** What is run, on which repository. */
export type GitSpawn = {
  readonly gitDir: string;
  readonly args: readonly string[];
  /** Where its objects are, if not in its repository alone. */
  readonly objects?: ObjectFolders;
  /** What it finds as `GIT_PROTOCOL`. */
  readonly protocol?: string;
  /** Bytes that it may take of memory in one piece: it ends where it would take more. */
  readonly allocationBytesMax?: number;
  /** Bytes of memory of its own that it may take; it is out of memory then. */
  readonly memoryBytesMax?: number;
  /** Whether it gives way to all else on the processor. */
  readonly isBackground?: boolean;
};

/** Has a shell set the limit of the system, in kilobytes, and become what it is given: Node has no call for that. */
const underLimit = 'ulimit -d "$0" 2>/dev/null; exec "$@"';

/** Spawns git in a process group of its own, so that what it starts ends with it. */
export function spawnGit(
  { gitDir, args, objects, protocol, allocationBytesMax, memoryBytesMax, isBackground = false }: GitSpawn,
  stdio: SpawnOptions['stdio'],
): ChildProcess {
  const whole = [`--git-dir=${gitDir}`, ...alwaysConfigured, ...args];
  const limited = ['-c', underLimit, `${Math.floor((memoryBytesMax ?? 0) / 1_024)}`, 'git', ...whole];
  const [file, list] = memoryBytesMax === undefined ? ['git', whole] : ['/bin/sh', limited];
  const child = spawn(file, list, {
    env: {
      ...gitEnvironment(),
      ...objectsEnvironment(objects),
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol }),
      ...(allocationBytesMax === undefined ? {} : { GIT_ALLOC_LIMIT: String(allocationBytesMax) }),
    },
    stdio: stdio ?? 'pipe',
    detached: true,
  });
  if (isBackground) giveWay(child);
  return child;
}

/** Lowers the priority of a process, and so of all that it starts. */
function giveWay({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended by itself.
  }
}

/** A way to end a process group: disposing of it forgets about the group, which has ended then. */
export type GroupEnd = Disposable & { end(): void };

/** Ends the group of a process, by request or when the signal aborts: asks it, so that lock files go, then kills it. */
export function groupEnd(child: ChildProcess, signal: AbortSignal): GroupEnd {
  let killing: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child, 'SIGTERM');
    killing ??= setTimeout(() => signalGroup(child, 'SIGKILL'), limits.gitKillMs);
  };
  const aborting = onAbort(signal, end);
  return {
    end,
    [Symbol.dispose]() {
      aborting[Symbol.dispose]();
      clearTimeout(killing);
    },
  };
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // All of the group have ended by themselves.
  }
}
