import { limits } from '../../config/limits.js';
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
  return await tipsOf(git, gitDir, []);
}

/** The same of branches and tags alone, which nobody has set but the maintainers. */
export async function declaredTips(git: Git, gitDir: string): Promise<KnownTips> {
  return await tipsOf(git, gitDir, ['refs/heads', 'refs/tags']);
}

/** Git lists the smallest first. */
async function tipsOf(git: Git, gitDir: string, prefixes: readonly string[]): Promise<KnownTips> {
  const format = '--format=%(objectname) %(objectsize) %(refname)';
  const args = ['for-each-ref', '--sort=objectsize', format, '--', ...prefixes];
  const tips = new Set<string>();
  let areAll = true;
  let proposals = 0;
  let bytes = 0;
  for await (const lines of linesInTurns(await git.run({ gitDir, args }))) {
    for (const line of lines) {
      const [objectId = '', size, name = ''] = line.split(' ');
      if (tips.has(objectId)) continue;
      const isProposal = !isHeadOrTag(name);
      const isTooMuch = bytes + Number(size) > limits.knownTipsBytesMax;
      if (isTooMuch || (isProposal && proposals >= limits.knownProposalTipsMax)) {
        areAll = false;
        continue;
      }
      bytes += Number(size);
      if (isProposal) proposals += 1;
      tips.add(objectId);
    }
  }
  return { lines: [...tips].map((id) => `^${id}`), areAll };
}
