import { ArchiveWriter } from '../../src/backup/archive-writer.js';

/** What a backup says of itself. */
export const plainManifest = {
  format: 'graspd-backup',
  version: 1,
  program: '0.0.0',
  domain: 'git.example.org',
  moment: '2026-01-01T00:00:00.000Z',
  lastSequence: 7,
  expected: { events: 1, repositories: 0 },
};

/** A backup whose hash is right, with whatever entries somebody put in it. */
export function forged(
  entries: Readonly<Record<string, string | Buffer>>,
  counts = {},
  more: object = {},
): Buffer {
  const writer = new ArchiveWriter(0);
  const none = { events: 0, damagedEvents: 0, journalRecords: 0, otherRecords: 0 };
  return Buffer.concat([
    ...writer.file('manifest.json', Buffer.from(JSON.stringify({ ...plainManifest, ...more }))),
    ...Object.entries(entries).flatMap(([name, content]) => [...writer.file(name, Buffer.from(content))]),
    ...writer.end({ ...none, repositories: 0, unreadableRepositories: 0, ...counts }),
  ]);
}
