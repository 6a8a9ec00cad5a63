import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { copyObjects } from '../git/objects/copy-objects.js';
import type { RepositoryId } from '../repositories/repository-directory.js';

export type CopyParts = {
  readonly repositories: Pick<BareRepositories, 'pathOf'>;
  readonly git: Git;
  /** Bytes that may still come into a repository. */
  readonly roomFor: (repository: RepositoryId) => number;
  /** Told of each pack that came into a repository. */
  readonly onPack: (repository: RepositoryId, bytes: number) => void;
};

/**
 * Copies of objects from one repository to others, for one event: what is pushed once and named many times must not fill
 * the disk. Those for which there is no room are left out.
 */
export class ObjectCopies {
  readonly #parts: CopyParts;
  readonly #bytesMax: number;
  #bytes = 0;
  #copies = 0;

  /** `bytesMax`: no other copy is begun after so many bytes. */
  constructor(parts: CopyParts, bytesMax: number) {
    this.#parts = parts;
    this.#bytesMax = bytesMax;
  }

  /** Whether the objects were copied, with all that they lead to. */
  async copy(from: RepositoryId, to: RepositoryId, objectIds: readonly string[]): Promise<boolean> {
    const { repositories, git, roomFor, onPack } = this.#parts;
    const isOver = this.#bytes >= this.#bytesMax || this.#copies >= limits.objectCopiesMax;
    if (isOver || roomFor(to) <= 0) return false;
    const [fromDir, toDir] = [repositories.pathOf(from), repositories.pathOf(to)];
    this.#copies += 1;
    const bytes = await copyObjects(git, fromDir, toDir, objectIds, limits.pushCheckMsMax);
    this.#bytes += bytes;
    if (bytes > 0) onPack(to, bytes);
    return true;
  }
}
