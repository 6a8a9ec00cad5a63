import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import type { RefChanges } from '../git/ref-changes.js';
import { errorMessage } from '../lib/errors.js';
import { keyOf } from './alignment-queue.js';
import { compare, type DoctorParts, type Finding, isFault, lookAt, repair } from './doctor.js';
import { lineOf } from './finding-line.js';

export type DiagnosisParts = DoctorParts & {
  readonly locks: RepositoryLocks;
  readonly refChanges: Pick<RefChanges, 'announce'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** What is said of one finding. */
export type Diagnosis = {
  /** For the operator. */
  readonly line: string;
  readonly isFault: boolean;
  /** What came of its repair: `repaired`, or why it is not. */
  readonly outcome?: string;
};

/**
 * Compares the repositories with the stored events, and repairs what differs when asked to, also while they are served: what
 * looks like a fault is looked at again under the lock of its repository, for a push may have been under way. Rejects with
 * the signal's reason.
 */
export async function* diagnose(
  parts: DiagnosisParts,
  isToFix: boolean,
  signal: AbortSignal,
): AsyncGenerator<Diagnosis> {
  let last = '';
  for await (const finding of compare(parts)) {
    signal.throwIfAborted();
    if (!isFault(finding)) {
      yield { line: lineOf(finding), isFault: false };
      continue;
    }
    // All findings of one repository come one after the other, and are looked at again together.
    if (keyOf(finding.repository) === last) continue;
    last = keyOf(finding.repository);
    yield* await parts.locks.use(finding.repository, signal, () =>
      diagnoseOne(parts, finding.repository, isToFix),
    );
  }
}

async function diagnoseOne(
  parts: DiagnosisParts,
  repository: Finding['repository'],
  isToFix: boolean,
): Promise<Diagnosis[]> {
  const diagnoses: Diagnosis[] = [];
  for (const finding of await lookAt(parts, repository)) {
    if (!isFault(finding)) continue;
    const said = { line: lineOf(finding), isFault: true };
    diagnoses.push(isToFix ? { ...said, outcome: await tryRepair(parts, finding) } : said);
  }
  return diagnoses;
}

async function tryRepair(parts: DiagnosisParts, finding: Finding): Promise<string> {
  try {
    return (await repair(parts, finding, parts.now())) ? 'repaired' : 'cannot be repaired from here';
  } catch (error) {
    return `not repaired: ${errorMessage(error)}`;
  } finally {
    parts.refChanges.announce(parts.repositories.pathOf(finding.repository));
  }
}
