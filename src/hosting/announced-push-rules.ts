import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { PackRoom } from '../git/objects/pack-growth.js';
import { isHeadOrTag } from '../git/ref-name.js';
import type { PushCommand } from '../git-protocol/receive-request.js';
import { lapsedReason } from '../purgatory/held-event.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import type { PackLimits } from './incoming-pack.js';
import type { Promotion } from './promotion/promotion.js';
import { type ContextParts, pushContext } from './push-context.js';
import type { PackTerms, PushLook, PushPlace, PushRules } from './push-rules.js';
import { judgePush } from './push-verdict.js';
import type { Setting } from './pushed-objects.js';

export type AnnouncedPushParts = ContextParts & {
  readonly directory: Pick<RepositoryDirectory, 'isServed' | 'maintainersAmong' | 'stateOf'>;
  readonly repositories: Pick<BareRepositories, 'pathOf'>;
  readonly promotion: Promotion;
  readonly packLimits: PackLimits;
  /** Room for a pack while it comes. What is only proposed leaves a part of the repository to its maintainers. */
  readonly reserve: (repository: RepositoryId, isProposal: boolean) => PackRoom & Disposable;
  /** Why nobody may push here, or not now. */
  readonly refusal: (repository: RepositoryId) => string | undefined;
};

/** Pushes to announced repositories: states say what heads and tags are, events what refs of pull requests are (git.md §2). */
export class AnnouncedPushRules implements PushRules<RepositoryId> {
  readonly judge = judgePush;
  readonly #parts: AnnouncedPushParts;

  constructor(parts: AnnouncedPushParts) {
    this.#parts = parts;
  }

  async refusal(repository: RepositoryId): Promise<string | undefined> {
    const { directory, purgatory, refusal } = this.#parts;
    if (directory.isServed(repository)) return refusal(repository);
    const hasLapsed = purgatory.lapsedAnnouncementOf(repository) !== undefined;
    return hasLapsed ? lapsedReason : 'this repository is not hosted here any more';
  }

  /** One that is served stays for a while after that ends. */
  async begin(repository: RepositoryId): Promise<PushPlace> {
    return { gitDir: this.#parts.repositories.pathOf(repository), [Symbol.asyncDispose]: async () => {} };
  }

  async look(
    repository: RepositoryId,
    commands: readonly PushCommand[],
    addressGroup: string,
    earlier?: PushLook,
  ): Promise<PushLook> {
    const gitDir = this.#parts.repositories.pathOf(repository);
    return await pushContext(this.#parts, repository, gitDir, commands, addressGroup, earlier);
  }

  packTerms(repository: RepositoryId, setting: readonly Setting[]): PackTerms {
    const isProposal = !isOfState(setting);
    const room = this.#parts.reserve(repository, isProposal);
    return { limits: this.#packLimitsFor(isProposal), room, arePathsBounded: true };
  }

  async make(repository: RepositoryId): Promise<string> {
    return this.#parts.repositories.pathOf(repository);
  }

  async follow(repository: RepositoryId, setting: readonly Setting[]): Promise<void> {
    await this.#parts.promotion.afterObjects(repository, isOfState(setting));
  }

  worded(reason: string): string {
    return reason;
  }

  /** Who proposes a change needs nobody's leave, so that it has to be smaller than what a maintainer may push. */
  #packLimitsFor(isProposal: boolean): PackLimits {
    const { packLimits } = this.#parts;
    if (!isProposal || packLimits.bytesMax <= limits.pullRequestPackBytesMax) return packLimits;
    const bytesMaxIs = 'the limit for pull requests';
    return { ...packLimits, bytesMax: limits.pullRequestPackBytesMax, bytesMaxIs };
  }
}

/** Whether heads or tags are set, and not only what anybody may push. */
function isOfState(setting: readonly Setting[]): boolean {
  return setting.some(({ command }) => isHeadOrTag(command.ref));
}
