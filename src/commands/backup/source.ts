import { resolve } from 'node:path';
import { askDaemonForBytes } from '../../control/control-client.js';
import { createLogger } from '../../daemon/logger.js';
import { BackupDesk } from '../../daemon/operator/backup-desk.js';
import { openStore } from '../../daemon/store/open-store.js';
import { BareRepositories } from '../../git/bare-repositories.js';
import { GitRunner } from '../../git/git-runner.js';
import { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { systemClock } from '../../lib/clock.js';
import type { Invocation } from '../command.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { existingStoreOptions } from '../store-options.js';

/**
 * The bytes of a backup: from the daemon that runs with the data folder, or made here where none does. Rejects with
 * `UsageError`, `ControlError` or `StoreError`.
 */
export async function* backupBytes(
  invocation: Invocation,
  hasRepositories: boolean,
): AsyncGenerator<Uint8Array> {
  const options = existingStoreOptions(invocation, 'backup');
  const { signal, stderr } = invocation;
  const socket = await runningDaemon(options);
  if (socket !== undefined) {
    const path = hasRepositories ? '/backup' : '/backup/without-git';
    yield* askDaemonForBytes(socket, { path }, signal);
    return;
  }
  const opened = await openStore(options, systemClock, { keepsFaulty: true });
  await using _ = opened.store;
  const git = new GitRunner(systemClock, signal);
  const repositories = new BareRepositories(resolve(options.gitDataPath), git);
  await repositories.finishReplacing();
  const desk = new BackupDesk({
    ...opened,
    git,
    repositories,
    locks: new RepositoryLocks(),
    domain: options.domain,
    clock: systemClock,
    log: createLogger(options.logLevel ?? 'error', stderr),
  });
  yield* desk.take(hasRepositories, signal);
}
