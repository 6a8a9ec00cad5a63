import { limits } from '../../config/limits.js';
import { smallestWithin } from '../../lib/collections/smallest-within.js';
import { linesInTurns } from '../../lib/turns/lines-in-turns.js';
import type { Git } from '../git-command.js';
import { isHeadOrTag } from '../ref-name.js';

/** What refs of a repository stand for, so that git leaves out what they lead to. */
export type KnownTips = {
  /** Lines of its input. */
  readonly lines: readonly string[];
  /** Whether these are all refs. */
  readonly areAll: boolean;
};

/**
 * All refs but the largest, where their objects have too many bytes together, and but some of pull requests, where there are
 * very many: git reads each of them, and keeps it in memory, before it looks at anything else, and anybody may set refs of pull
 * requests. Nothing is wrong without them: git looks at more.
 */
export async function knownTips(git: Git, gitDir: string): Promise<KnownTips> {
  const args = ['for-each-ref', '--format=%(objectname) %(objectsize) %(refname)'];
  const ours = new Map<string, number>();
  const strangers = new Map<string, number>();
  for await (const lines of linesInTurns(await git.run({ gitDir, args }))) {
    for (const line of lines) {
      const [objectId = '', bytes, name = ''] = line.split(' ');
      (isHeadOrTag(name) ? ours : strangers).set(objectId, Number(bytes));
    }
  }
  const proposals = smallestOf(strangers, limits.knownProposalTipsMax);
  const tips = new Map([...proposals, ...ours]);
  const objectIds = smallestWithin(tips, limits.knownTipsBytesMax);
  const areAll = proposals.length === strangers.size && objectIds.length === tips.size;
  return { lines: objectIds.map((id) => `^${id}`), areAll };
}

function smallestOf(bytesOf: ReadonlyMap<string, number>, countMax: number): [string, number][] {
  return [...bytesOf].sort(([, one], [, other]) => one - other).slice(0, countMax);
}
