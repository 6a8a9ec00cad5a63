import { type ArchiveEntry, ArchiveReader } from './archive-reader.js';
import type { BackupEnd, Manifest } from './format.js';

const newline = 0x0a;

/** How much of a backup has come. */
export type BackupProgress = (events: number, repositories: number, manifest: Manifest) => void;

/**
 * Reads a backup as it comes, and says what it is: it is whole, and what was written, when this resolves. Rejects with
 * `BackupError`, and as `chunks` throws.
 */
export async function followBackup(
  chunks: AsyncIterable<Uint8Array>,
  onProgress: BackupProgress,
): Promise<{ readonly manifest: Manifest; readonly end: BackupEnd }> {
  const reader = new ArchiveReader(chunks);
  try {
    const manifest = await reader.manifest();
    const entries = reader.entries();
    let events = 0;
    let repositories = 0;
    for (;;) {
      const { value, done } = await entries.next();
      if (done === true) return { manifest, end: value };
      if (value.name.startsWith('events/')) events += await linesIn(value);
      else if (value.name.endsWith('/repository.json')) repositories += 1;
      onProgress(events, repositories, manifest);
    }
  } finally {
    await reader.close();
  }
}

async function linesIn({ content }: ArchiveEntry): Promise<number> {
  let lines = 0;
  for await (const piece of content) {
    for (let at = piece.indexOf(newline); at !== -1; at = piece.indexOf(newline, at + 1)) lines += 1;
  }
  return lines;
}
