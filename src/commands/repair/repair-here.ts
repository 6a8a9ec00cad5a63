import { resolve } from 'node:path';
import { checkNothingIsRestoring } from '../../backup/restore/restore-folders.js';
import { checkNotBrokenOff } from '../../backup/restore/restore-mark.js';
import type { Options } from '../../config/options.js';
import { checkRepairs, examineRepositories } from '../../daemon/operator/examination.js';
import { openStore } from '../../daemon/store/open-store.js';
import { systemClock } from '../../lib/clock.js';
import type { Findings } from '../doctor/findings.js';
import { storedParts } from '../doctor/stored-repositories.js';
import { repairRepositories } from './repair-repositories.js';
import { repairStore } from './repair-store.js';

/**
 * Repairs the data of a daemon that does not run: the database, then repositories that git cannot read, then what differs
 * from the stored events. Nothing is deleted. Throws `StoreError`, `BackupError`, `ClosingRefusedError`.
 */
export async function repairHere(
  options: Options,
  accepted: number,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  if (options.databaseBackend === 'level') {
    const path = resolve(options.relayDataPath);
    await checkNothingIsRestoring(path);
    await findings.sayAll(repairStore(path));
  }
  const opened = await openStore(options, systemClock, {});
  await using _ = opened.store;
  await checkNotBrokenOff(opened.journal);
  const parts = await storedParts(options, opened, signal);
  await checkRepairs(options, parts, accepted);
  await findings.sayAll(repairRepositories(parts, options, signal));
  await findings.sayAll(examineRepositories(parts, true, signal));
}
