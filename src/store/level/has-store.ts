import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether there is a store at `path`: one that could be opened without being made. LevelDB keeps `CURRENT` always. */
export function hasLevelStore(path: string): boolean {
  return existsSync(join(path, 'events', 'CURRENT'));
}
