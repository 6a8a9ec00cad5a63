import { limits } from '../config/limits.js';
import { isOfPrs, type RepositoryKey } from '../git/bare-repositories.js';
import { readGitVersion } from '../git/git-command.js';
import { removeBlockers } from '../git/locks/blockers.js';
import { growthWithin } from '../git/objects/pack-growth.js';
import { readRefFiles } from '../git/refs.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { tipsOf } from './branch-pack.js';
import { BranchPacks } from './branch-packs.js';
import { isCareDue } from './care-plan.js';
import { CareQueue, type CareTask } from './care-queue.js';
import { CareTurns } from './care-turns.js';
import type { DiskUse, Reservation } from './disk-use.js';
import type { MaintenanceParts } from './maintenance-parts.js';
import { repack } from './repack.js';
import {
  type RepositorySurvey,
  removeLeftovers,
  surveyRepository,
  writeCareMark,
} from './repository-survey.js';
import type { CountedFile } from './shared-files.js';

/** A repository that is to be repacked, as it was when it was looked at. */
type Looked = { readonly task: CareTask; readonly survey: RepositorySurvey; readonly isDue: boolean };

/**
 * The care of repositories on disk: what they take is counted, what was left behind goes, and those that have come to many
 * packs are repacked, one at a time. All are looked at after the start and once a day, slowly; in between, pushes tell
 * what they bring. Nothing of that is worth waiting for: a repack gives way to a push, and is done later.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #queue: CareQueue;
  readonly #turns: CareTurns;
  /** Packs of each repository, by its folder: those that it had when it was surveyed, and what came since. */
  readonly #packs = new Map<string, number>();
  readonly #branchPacks = new BranchPacks();
  /** The folders that the look at all has seen so far, and those into which something came meanwhile. */
  #seen = new Set<string>();

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#queue = new CareQueue(parts.clock);
    this.#turns = new CareTurns(parts.clock, (signal) => this.#queue.whenReady(signal));
    parts.metrics.watch(() => this.#queue.size);
  }

  /** To be called when a pack came into a repository, by a push or a fetch. */
  packArrived(repository: RepositoryKey, bytes: number): void {
    const gitDir = this.#parts.repositories.pathOf(repository);
    const packs = (this.#packs.get(gitDir) ?? 0) + 1;
    this.#packs.set(gitDir, packs);
    this.#seen.add(gitDir);
    if (!isOfPrs(repository)) this.#branchPacks.add(gitDir, repository.identifier);
    this.#useOf(repository).add(gitDir, bytes);
    if (packs > limits.carePacksMax || bytes >= limits.careBitmapBytesMin) {
      this.#queue.add(gitDir, { repository, interruptions: 0 }, limits.careQuietMs);
    }
  }

  /** To be called when a repository has packs in the same files as another, and it was told that they came. */
  packsShared(from: RepositoryKey, to: RepositoryKey, packs: readonly CountedFile[]): void {
    // Announced repositories and those of pull requests are counted apart: such a file counts for both.
    for (const repository of [from, to])
      this.#useOf(repository).share([this.#parts.repositories.pathOf(repository)], packs);
  }

  /** Why nothing may be pushed to a repository now, in words for who pushes. */
  refusal(repository: RepositoryKey): string | undefined {
    return this.#useOf(repository).refusal(this.#parts.repositories.pathOf(repository));
  }

  /** Bytes that may still come into a repository, of which so many are spared. */
  roomFor(repository: RepositoryKey, sparedBytes = 0): number {
    return this.#useOf(repository).roomFor(this.#parts.repositories.pathOf(repository), sparedBytes);
  }

  /**
   * Begins to count what comes into a repository, from a push or from another server, while it comes; `sparedBytes` of what
   * it may take stay free. To be disposed of when that ended, whatever way, after `packArrived`.
   */
  reserve(repository: RepositoryKey, sparedBytes = 0): Reservation {
    return this.#useOf(repository).reserve(this.#parts.repositories.pathOf(repository), sparedBytes);
  }

  /** Packs of a repository, as far as it was looked at, and those that came. */
  packsOf(repository: RepositoryKey): number {
    return this.#packs.get(this.#parts.repositories.pathOf(repository)) ?? 0;
  }

  /** To be called when a repository was removed from the disk. */
  removed(repository: RepositoryKey): void {
    const gitDir = this.#parts.repositories.pathOf(repository);
    this.#useOf(repository).forget(gitDir);
    this.#branchPacks.forget(gitDir);
    this.#turns.forget(gitDir);
    this.#packs.delete(gitDir);
  }

  /** Works until the signal aborts, and ends when nothing runs any more. */
  async serve(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#lookAgainAndAgain(signal), this.#careForOneAfterTheOther(signal)]);
    this.#queue.clear();
  }

  /** Looks at all repositories, one after the other, each followed by a pause; what is due waits for its turn then. */
  async surveyAll(signal: AbortSignal): Promise<void> {
    const { repositories, diskUse, prsDiskUse, clock } = this.#parts;
    const seen = new Set<string>();
    this.#seen = seen;
    for await (const repository of this.#list()) {
      seen.add(repositories.pathOf(repository));
      await this.#lookAt(repository, signal);
      await clock.sleep(limits.surveyPauseMs, signal);
    }
    diskUse.keepOnly(seen);
    prsDiskUse?.keepOnly(seen);
    this.#branchPacks.keepOnly(seen);
    for (const gitDir of this.#packs.keys()) if (!seen.has(gitDir)) this.#packs.delete(gitDir);
  }

  /**
   * Repacks a repository if that is still due, alone. It gives way to whoever waits for that, but not for ever: one that did
   * so too often is made beside pushes, and throws nothing away. Rejects with the signal's reason.
   */
  async care(task: CareTask, signal: AbortSignal): Promise<void> {
    const { repositories, log } = this.#parts;
    const { repository } = task;
    try {
      await this.#turns.use(repositories.pathOf(repository), signal, (turn) => this.#care(task, turn));
    } catch (error) {
      signal.throwIfAborted();
      const details = { ...repository, code: errorCode(error), error: errorMessage(error) };
      log.warn(details, 'repository could not be repacked');
      // What it left counts. It rests now, and nobody is to give way to it.
      await this.#measure(repository, signal);
    }
  }

  async #care(task: CareTask, signal: AbortSignal): Promise<void> {
    const { repositories, locks, clock, hasRoomFor } = this.#parts;
    const { repository } = task;
    const survey = await this.#survey(repository, signal);
    if (survey === undefined) return;
    const isDue = isCareDue(survey, clock.now());
    const isLinkable = await this.#lacksBranchPack(repository, survey);
    if (!isDue && !isLinkable) return;
    // For a while there are two copies of everything; for good, of what it had in common with others.
    if (!hasRoomFor(survey.bytes)) return;
    if (!isLinkable && !this.#useOf(repository).hasRoomForOwn(repositories.pathOf(repository))) return;
    if ((await repositories.closedSince(repository)) !== undefined) return;
    const work = (yielding: AbortSignal) => this.#repack({ task, survey, isDue }, yielding, signal);
    if (isBeside(task)) await locks.useBeside(repository, signal, work);
    else await locks.useYielding(repository, signal, work);
    await this.#survey(repository, signal);
  }

  async *#list(): AsyncIterable<RepositoryKey> {
    const { repositories, prsDiskUse } = this.#parts;
    yield* repositories.list();
    if (prsDiskUse !== undefined) yield* repositories.listPrs();
  }

  #useOf(repository: RepositoryKey): DiskUse {
    const { diskUse, prsDiskUse } = this.#parts;
    return isOfPrs(repository) && prsDiskUse !== undefined ? prsDiskUse : diskUse;
  }

  async #lookAt(repository: RepositoryKey, signal: AbortSignal): Promise<void> {
    const { repositories, clock } = this.#parts;
    await this.#measure(repository, signal, async (survey) => {
      if (!isCareDue(survey, clock.now()) && !(await this.#lacksBranchPack(repository, survey))) return;
      const gitDir = repositories.pathOf(repository);
      this.#queue.add(gitDir, { repository, interruptions: 0 }, limits.careQuietMs);
    });
  }

  /** Measures a repository, where that is possible. */
  async #measure(
    repository: RepositoryKey,
    signal: AbortSignal,
    then?: (survey: RepositorySurvey) => Promise<void>,
  ): Promise<void> {
    try {
      const survey = await this.#survey(repository, signal);
      if (survey !== undefined) await then?.(survey);
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.log.warn({ ...repository, error: errorMessage(error) }, 'repository cannot be looked at');
    }
  }

  async #lookAgainAndAgain(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await this.surveyAll(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error: errorMessage(error) }, 'git data path cannot be read');
      });
      await clock.sleep(limits.surveyIntervalMs, signal).catch(() => {});
    }
  }

  async #careForOneAfterTheOther(signal: AbortSignal): Promise<void> {
    const { repositories, clock } = this.#parts;
    try {
      for (;;) {
        const task = await this.#queue.next(signal);
        if (this.#turns.isResting(repositories.pathOf(task.repository))) continue;
        await this.care(task, signal);
        await clock.sleep(limits.carePauseMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Measures a repository, and removes what was left behind in it; `undefined` when it is there no more. */
  async #survey(repository: RepositoryKey, signal: AbortSignal): Promise<RepositorySurvey | undefined> {
    const { repositories, clock } = this.#parts;
    const diskUse = this.#useOf(repository);
    const gitDir = repositories.pathOf(repository);
    const bytesBefore = diskUse.bytesOf(gitDir);
    const survey = await surveyRepository(gitDir, clock.now(), signal);
    if (!(await repositories.exists(repository))) {
      this.removed(repository);
      return undefined;
    }
    await removeLeftovers(survey);
    // What came meanwhile may have been seen or not: until the next look it counts on top.
    const arrivedBytes = Math.max(0, diskUse.bytesOf(gitDir) - bytesBefore);
    diskUse.set(gitDir, survey.bytes + arrivedBytes);
    diskUse.setFiles(gitDir, survey.packFiles);
    this.#packs.set(gitDir, survey.packs);
    // Those of pull requests have no branches, and get nothing from others.
    if (!isOfPrs(repository)) this.#branchPacks.set(gitDir, repository.identifier, survey.branchPack);
    return survey;
  }

  /** Whether another repository has the same branches and tags in a pack that this one is to have instead of its own. */
  async #lacksBranchPack(repository: RepositoryKey, { branchPack }: RepositorySurvey): Promise<boolean> {
    if (this.#branchPacks.isEmpty || isOfPrs(repository)) return false;
    const refs = await readRefFiles(this.#parts.repositories.pathOf(repository));
    const tips = refs === undefined ? undefined : tipsOf(refs);
    const wanted = tips === undefined ? undefined : this.#branchPacks.find(tips);
    return wanted !== undefined && wanted.pack.file !== branchPack?.file;
  }

  async #repack(
    { task, survey: { packs, looseObjects, bytes }, isDue }: Looked,
    yielding: AbortSignal,
    signal: AbortSignal,
  ): Promise<void> {
    const { repositories, locks, git, streams, clock, metrics, log } = this.#parts;
    const { repository, interruptions } = task;
    const gitDir = repositories.pathOf(repository);
    const begin = clock.monotonic();
    const ended = metrics.startRepack();
    using room = this.#useOf(repository).reserveAnew(gitDir);
    try {
      const version = await readGitVersion(git, gitDir);
      await removeBlockers(gitDir, clock.now());
      const isForOthers = !isOfPrs(repository) && this.#branchPacks.hasSeveral(repository.identifier);
      const growth = growthWithin(clock, room, 0);
      const nowMs = clock.now();
      const details = { gitDir, version, nowMs, isBeside: isBeside(task), isForOthers, isDue, growth };
      const repackParts = {
        git,
        streams,
        makeWorkFolder: () => repositories.makeWorkFolder('repack-'),
        findBranchPack: (tips: string) => this.#branchPacks.fileOf(tips),
        alone: (work: () => Promise<void>) =>
          isBeside(task) ? locks.use(repository, yielding, work) : work(),
        onRemoved: () => locks.tellRemoval(repository),
      };
      const how = await repack(repackParts, details, yielding);
      if (how === 'nothing') return;
      await writeCareMark(gitDir, clock.now());
      this.#turns.forget(gitDir);
      ended('done');
      const ms = Math.round(clock.monotonic() - begin);
      log.info({ ...repository, how, packs, looseObjects, bytes, ms }, 'repository repacked');
    } catch (error) {
      if (signal.aborted || !yielding.aborted) {
        ended('failed');
        throw error;
      }
      ended('interrupted');
      this.#queue.add(gitDir, { repository, interruptions: interruptions + 1 }, limits.careRetryMs);
    }
  }
}

/** Whether it gave way so often that it is to be made beside those for whom it would. */
function isBeside({ interruptions }: CareTask): boolean {
  return interruptions >= limits.careInterruptionsMax;
}
