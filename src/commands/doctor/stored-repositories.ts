import { resolve } from 'node:path';
import { Registry } from 'prom-client';
import type { DiagnosisParts } from '../../alignment/diagnosis.js';
import type { Options } from '../../config/options.js';
import { heldSettingsOf, servingRulesOf } from '../../daemon/settings.js';
import { BareRepositories } from '../../git/bare-repositories.js';
import { GitRunner } from '../../git/git-runner.js';
import { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { RefChanges } from '../../git/ref-changes.js';
import { systemClock } from '../../lib/clock.js';
import { Purgatory } from '../../purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../purgatory/purgatory-metrics.js';
import { RepositoryDirectory } from '../../repositories/repository-directory.js';
import { RepositoryServing } from '../../repositories/serving.js';
import type { Journal } from '../../store/journal.js';
import type { OpenedStore } from '../../store/opened-store.js';

/** What repositories are compared by, made of a store that was opened for that. */
export type StoredParts = DiagnosisParts & {
  readonly directory: RepositoryDirectory;
  readonly purgatory: Purgatory;
};

/** Reads from an open store which repositories there are to be, and what waits for git data. */
export async function storedParts(
  options: Options,
  { store, journal }: Pick<OpenedStore, 'store' | 'journal'>,
  signal: AbortSignal,
): Promise<StoredParts> {
  const directory = new RepositoryDirectory(new RepositoryServing(servingRulesOf(options)));
  await directory.load(store);
  const git = new GitRunner(systemClock, signal);
  return {
    store,
    directory,
    purgatory: await loadHeld(options, journal, directory),
    git,
    repositories: new BareRepositories(resolve(options.gitDataPath), git),
    locks: new RepositoryLocks(),
    refChanges: new RefChanges(),
    now: () => systemClock.now(),
  };
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
