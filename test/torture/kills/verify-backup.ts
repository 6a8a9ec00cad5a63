import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.js';
import { openLevelStore } from '../../../src/store/level/open-level-store.js';
import type { PartRun } from '../part.js';
import type { KilledDaemon } from './killed-daemon.js';

/** Restores the newest backup that a command was told was whole: it has what was acknowledged when it began. */
export async function verifyBackup({ tried, broken }: PartRun, killed: KilledDaemon): Promise<void> {
  const { backup } = killed.operator;
  if (backup === undefined) return;
  const [relay, git] = [join(killed.folder, 'restored/relay'), join(killed.folder, 'restored/git')];
  const folders = ['--relay-data-path', relay, '--git-data-path', git];
  const { code, said } = await killed.command('restore', ...folders, backup.file);
  if (code !== 0) {
    broken('acknowledged-events', `${killed.folder}: the backup cannot be restored: ${said}`);
    return;
  }
  const { store } = await openLevelStore({ path: relay, clock: systemClock });
  tried('acknowledged-events', backup.ids.length);
  const lost = backup.ids.filter(
    (id) => !store.has(id) && killed.promised.expectations(Date.now() / 1_000).present.includes(id),
  );
  await store[Symbol.asyncDispose]();
  if (lost.length > 0)
    broken(
      'acknowledged-events',
      `${killed.folder}: the backup lacks ${lost.length} events, ${lost[0]} among them`,
    );
  await rm(join(killed.folder, 'restored'), { recursive: true, force: true });
}
