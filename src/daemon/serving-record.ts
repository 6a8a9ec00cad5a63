import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Options } from '../config/options.js';
import { type OptionKey, optionEntries } from '../config/schema.js';

/** The options that decide which repositories are served (repositories/serving.ts). */
export const recordedKeys = [
  'domain',
  'bindAddress',
  'repositoryWhitelist',
  'repositoryBlacklist',
  'archiveAll',
  'archiveWhitelist',
  'archiveGraspServices',
  'archiveReadOnly',
] as const satisfies readonly OptionKey[];

/** By flag without dashes, the value as JSON. */
type ServingRecord = Readonly<Record<string, string>>;

const fileName = '.graspd-serving.json';
const shownCharactersMax = 60;

/**
 * Which of the options that decide about repositories differ from those of the last start, as part of a line for the
 * operator; `undefined` when none does.
 */
export async function changedSince(gitDataPath: string, options: Options): Promise<string | undefined> {
  const before = await readRecord(gitDataPath);
  if (before === undefined) return 'which setting changed is not known, for no earlier start noted them';
  const changed = Object.entries(recordOf(options)).filter(([flag, value]) => before[flag] !== value);
  if (changed.length === 0) return undefined;
  return changed
    .map(([flag, value]) => `--${flag} was ${shown(before[flag] ?? 'not set')} and is ${shown(value)}`)
    .join(', ');
}

/** Notes the options of this start beside the repositories, whole or not at all. */
export async function noteServing(gitDataPath: string, options: Options): Promise<void> {
  const path = join(gitDataPath, fileName);
  await writeFile(`${path}.new`, `${JSON.stringify(recordOf(options), undefined, 2)}\n`);
  await rename(`${path}.new`, path);
}

function recordOf(options: Options): ServingRecord {
  return Object.fromEntries(
    recordedKeys.map((key) => {
      const flag = optionEntries.find((entry) => entry.key === key)?.flag ?? key;
      return [flag, JSON.stringify(options[key])];
    }),
  );
}

/** What an earlier start noted; `undefined` where there is nothing, or nothing that can be read. */
async function readRecord(gitDataPath: string): Promise<ServingRecord | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(join(gitDataPath, fileName), 'utf8'));
    return typeof content === 'object' && content !== null ? (content as ServingRecord) : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: string): string {
  return value.length > shownCharactersMax ? `${value.slice(0, shownCharactersMax)}…` : value;
}
