import { limits } from '../../config/limits.js';
import { smallestWithin } from '../../lib/collections/smallest-within.js';
import type { Git } from '../git-command.js';

/** What refs of a repository stand for, so that git leaves out what they lead to. */
export type KnownTips = {
  /** Lines of its input. */
  readonly lines: readonly string[];
  /** Whether these are all refs. */
  readonly areAll: boolean;
};

/**
 * All refs but the largest, where their objects have too many bytes together: git reads each of them, and keeps it in memory,
 * before it looks at anything else, and anybody may set refs of pull requests. Nothing is wrong without them: git looks at more.
 */
export async function knownTips(git: Git, gitDir: string): Promise<KnownTips> {
  const output = await git.run({ gitDir, args: ['for-each-ref', '--format=%(objectname) %(objectsize)'] });
  const bytesOf = new Map<string, number>();
  for (const line of output.split('\n')) {
    const [objectId = '', bytes] = line.split(' ');
    if (objectId !== '') bytesOf.set(objectId, Number(bytes));
  }
  const objectIds = smallestWithin(bytesOf, limits.knownTipsBytesMax);
  return { lines: objectIds.map((id) => `^${id}`), areAll: objectIds.length === bytesOf.size };
}
