import { basename, dirname, join, resolve } from 'node:path';
import { everything } from '../../alignment/alignment-queue.js';
import { wantedRepository } from '../../alignment/wanted-repository.js';
import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import type { DoctorReport } from '../../control/reports.js';
import { alignRefs } from '../../git/align-refs.js';
import { removeBlockers } from '../../git/locks/blockers.js';
import { Quarantine } from '../../git/objects/quarantine.js';
import { salvageObjects } from '../../git/objects/salvage-objects.js';
import { readAllRefs, readHead } from '../../git/refs.js';
import { errorMessage } from '../../lib/errors.js';
import { printable } from '../../lib/text/printable.js';
import { npubOf } from '../../nostr/keys.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { StoredParts } from '../doctor/stored-repositories.js';

/** Below the git data path: what was replaced. */
const lostFolder = 'lost';

/**
 * Has git look through every served repository, and makes those anew that it cannot read: with all that is whole, and with
 * the refs that the stored events name and whose objects are there. The daemon fetches what lacks from other servers.
 */
export async function* repairRepositories(
  parts: StoredParts,
  options: Options,
  signal: AbortSignal,
): AsyncGenerator<DoctorReport> {
  for (const repository of await parts.repositories.finishReplacing())
    yield {
      line: `objects    ${nameOf(repository)}: a repair was broken off when the new repository was whole`,
      isFault: true,
      outcome: `finished: the old one is below ${join(resolve(options.gitDataPath), lostFolder)}`,
      isRepaired: true,
    };
  for (const repository of parts.directory.served()) {
    signal.throwIfAborted();
    const gitDir = parts.repositories.pathOf(repository);
    if (!(await parts.repositories.exists(repository))) continue;
    await removeBlockers(gitDir, parts.now()).catch(() => 0);
    const why = await faultOf(parts, gitDir);
    if (why === undefined) continue;
    const line = `objects    ${nameOf(repository)}: ${printable(why)}`;
    const { keptIn, lost } = await makeAnew(parts, options, repository);
    const whole =
      lost === 0 ? 'with all that refs lead to' : `without the objects of ${lost} refs, which are lost here`;
    yield {
      line,
      isFault: true,
      outcome: `made anew, ${whole}; the old one is in ${keptIn}`,
      isRepaired: true,
    };
  }
}

function nameOf({ pubkey, identifier }: RepositoryId): string {
  return `${npubOf(pubkey)}/${printable(identifier)}`;
}

/** Why git cannot read a repository, in one line; `undefined` where it can. */
async function faultOf({ git }: StoredParts, gitDir: string): Promise<string | undefined> {
  if ((await readHead(gitDir).catch(() => undefined)) === undefined) return 'its HEAD cannot be read';
  const args = ['fsck', '--full', '--no-dangling', '--no-reflogs', '--no-progress'];
  try {
    await git.run({ gitDir, args, msMax: limits.restoreGitMsMax });
    return undefined;
  } catch (error) {
    return errorMessage(error).split('\n')[0];
  }
}

async function makeAnew(
  { directory, store, repositories, git, now }: StoredParts,
  options: Options,
  repository: RepositoryId,
): Promise<{ readonly keptIn: string; readonly lost: number }> {
  const gitDir = repositories.pathOf(repository);
  const stamp = new Date(now()).toISOString().replaceAll(':', '-');
  const keptIn = join(
    resolve(options.gitDataPath),
    lostFolder,
    stamp,
    basename(dirname(gitDir)),
    basename(gitDir),
  );
  const wanted = await wantedRepository(directory, store, repository, everything);
  const before = await readAllRefs(git, gitDir).catch(() => new Map<string, string>());
  const named = [
    ...(wanted.declared ?? before).values(),
    ...wanted.pullRequests.values(),
    ...before.values(),
  ];
  const tips = [...new Set(named.filter((id) => id !== undefined))];
  const folder = await repositories.makeWorkFolder('repair-');
  // It stays in its place until then: a repair that is broken off before begins anew.
  await using quarantine = new Quarantine(await repositories.emptyRepository(), folder);
  const lost = await salvageObjects(git, gitDir, quarantine, tips);
  const made = await repositories.makeWorkFolder('repaired-');
  await repositories.makeIn(made);
  if (lost.length < tips.length) await quarantine.moveIn(made);
  await alignRefs(git, made, wanted);
  await repositories.replace(repository, made, keptIn);
  return { keptIn, lost: lost.length };
}
