import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { snapshotName } from '../log/snapshot.js';

/** Files that LevelDB has once something was written; a manifest of its first number may be all that a start left. */
const writtenFile = /^(\d+\.(ldb|sst|log)|MANIFEST-(?!0*1$)\d+)$/;

/** In the folder of a store: where a repair works. */
export const repairName = '.repairing';

/** Whether there is a store at `path`, or what is left of one. */
export function hasLevelStore(path: string): boolean {
  return namesIn(databasePath(path)).includes('CURRENT') || lostDatabase(path) !== undefined;
}

/** Where the LevelDB of a store is. */
export function databasePath(path: string): string {
  return join(path, 'events');
}

/**
 * What says that there was a store at `path` whose database LevelDB would make anew, on top of the files of the old one;
 * `undefined` when it would not, or there never was one.
 */
export function lostDatabase(path: string): string | undefined {
  const names = namesIn(databasePath(path));
  if (names.includes('CURRENT')) return undefined;
  if (namesIn(path).includes(repairName)) return 'a repair was broken off: graspd repair finishes it';
  const files = names.filter((name) => writtenFile.test(name)).length;
  if (files > 0) {
    return `events/CURRENT is gone, but ${files} files of the database are there; the file names the manifest that is the newest`;
  }
  return hasSnapshot(path) ? `events/ has no database, but ${snapshotName} is of one` : undefined;
}

/**
 * Whether the database below `path` is what a start left that was cut short before it could write anything. LevelDB makes a
 * first manifest without forcing it to the disk, and a second one before a database is open: where `CURRENT` still names the
 * first, nothing was ever written, whatever a power failure made of it.
 */
export function isUnwritten(path: string): boolean {
  const folder = databasePath(path);
  const names = namesIn(folder);
  return (
    !hasSnapshot(path) &&
    names.includes('CURRENT') &&
    readText(join(folder, 'CURRENT')) === 'MANIFEST-000001\n' &&
    names.every((name) => !/\.(ldb|sst)$/.test(name)) &&
    names.every((name) => !name.endsWith('.log') || statSync(join(folder, name)).size === 0)
  );
}

/** Whether the snapshot of an index is there. */
export function hasSnapshot(path: string): boolean {
  return namesIn(path).includes(snapshotName);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
