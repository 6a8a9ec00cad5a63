import type { Verifier } from '../../admission/verification/verifier.js';
import { ArchiveReader } from '../archive-reader.js';
import type { BackupEnd, Manifest } from '../format.js';
import { expectCounts, misplaced, otherRecordsIn, readEntries } from './entries.js';
import { RestoredEvents } from './restored-events.js';
import { RestoredJournal } from './restored-journal.js';
import { checkRepositoryEntry } from './restored-repositories.js';

/** How far the reading of a backup is. */
export type RestoreProgress = (events: number, repositories: number, manifest: Manifest) => void;

export type CheckParts = {
  readonly verifier: Verifier;
  readonly signal: AbortSignal;
  readonly onProgress: RestoreProgress;
};

/**
 * Reads a backup as a restore does, and makes nothing of it: its form, names, hash, ids and signatures, but not what git says
 * of packs. Rejects with `BackupError`, and with the signal's reason.
 */
export async function checkBackup(
  chunks: AsyncIterable<Uint8Array>,
  { verifier, signal, onProgress }: CheckParts,
): Promise<{ readonly manifest: Manifest; readonly end: BackupEnd }> {
  const events = new RestoredEvents(verifier, undefined);
  const journal = new RestoredJournal(verifier, undefined);
  const reader = new ArchiveReader(chunks);
  let repositories = 0;
  let otherRecords = 0;
  try {
    const manifest = await reader.manifest();
    const end = await readEntries(reader, signal, async (entry, folder) => {
      const { name, content } = entry;
      if (folder === 'events') await events.addEvents(content);
      else if (folder === 'journal') await journal.add(content);
      else if (folder === 'database') otherRecords += (await otherRecordsIn(entry)).length;
      else if (folder === 'git' && manifest.hasRepositories) await checkRepositoryEntry(entry);
      else throw misplaced(name);
      if (name.endsWith('/repository.json')) repositories += 1;
      onProgress(events.counts.read, repositories, manifest);
    });
    await events.finish();
    expectCounts(end, {
      events: events.counts.read,
      journalRecords: journal.read,
      otherRecords,
      repositories,
    });
    return { manifest, end };
  } finally {
    await reader.close();
  }
}
