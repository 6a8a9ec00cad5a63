import type { Git } from '../git-command.js';

/**
 * Copies these objects, and all that they lead to, from one repository on this disk to another; both names are ours.
 * Nothing is copied that the other has.
 */
export async function copyObjects(
  git: Git,
  fromDir: string,
  toDir: string,
  objectIds: readonly string[],
  msMax: number,
): Promise<void> {
  if (objectIds.length === 0) return;
  await git.run({
    gitDir: toDir,
    args: [
      ...['-c', 'protocol.allow=never', '-c', 'protocol.file.allow=always', '-c', 'fetch.unpackLimit=1'],
      ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-gc', '--stdin', fromDir],
    ],
    input: `${objectIds.join('\n')}\n`,
    msMax,
  });
}
