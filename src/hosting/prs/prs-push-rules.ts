import type { BareRepositories, PrsRepository } from '../../git/bare-repositories.js';
import type { RepositoryLocks } from '../../git/locks/repository-locks.js';
import type { PushCommand } from '../../git-protocol/receive-request.js';
import { whyNotIn } from '../../repositories/prs-repositories.js';
import type { PackLimits } from '../incoming-pack.js';
import type { Promotion } from '../promotion/promotion.js';
import { type ContextParts, currentRefs, eventsOf, readPullRequest } from '../push-context.js';
import type { PackTerms, PushLook, PushPlace, PushRules } from '../push-rules.js';
import { eventIdOf, judgePrsPush, type PushContext } from '../push-verdict.js';
import type { Setting } from '../pushed-objects.js';
import type { PrsAlignment } from './prs-alignment.js';
import type { PrsMetrics } from './prs-metrics.js';
import type { PrsRegistry } from './prs-registry.js';
import type { PrsRoom } from './prs-room.js';

export type PrsPushParts = Pick<ContextParts, 'git' | 'refChanges' | 'store' | 'purgatory'> & {
  readonly registry: PrsRegistry;
  readonly room: Pick<PrsRoom, 'refusal' | 'reserve'>;
  readonly alignment: PrsAlignment;
  readonly repositories: Pick<BareRepositories, 'pathOf' | 'exists' | 'ensure' | 'emptyRepository'>;
  readonly locks: RepositoryLocks;
  readonly promotion: Promotion;
  readonly packLimits: PackLimits;
  readonly metrics: PrsMetrics;
  /** Whether a URL of an event names our service. */
  readonly isOwnService: (url: string) => boolean;
  readonly signal: AbortSignal;
};

/**
 * Pushes to repositories of pull requests (GRASP-06): anybody may set the ref of an event that names the repository, or of
 * one that is not known yet. The repository is made with its first ref, and goes when it has none.
 */
export class PrsPushRules implements PushRules<PrsRepository> {
  readonly judge = judgePrsPush;
  readonly worded = withoutWordsOfAbsence;
  readonly #parts: PrsPushParts;

  constructor(parts: PrsPushParts) {
    this.#parts = parts;
  }

  async refusal(repository: PrsRepository): Promise<string | undefined> {
    const { alignment, registry, room } = this.#parts;
    await alignment.listed();
    return registry.refusal(repository) ?? room.refusal(repository);
  }

  async begin(repository: PrsRepository): Promise<PushPlace> {
    const { registry, repositories, locks, signal } = this.#parts;
    registry.begin(repository);
    try {
      // Where it is being removed right now, that comes to its end first; from now on it is not.
      const isThere = await locks.use(repository, signal, () => repositories.exists(repository));
      const gitDir = isThere ? repositories.pathOf(repository) : await repositories.emptyRepository();
      return { gitDir, [Symbol.asyncDispose]: () => this.#end(repository) };
    } catch (error) {
      await this.#end(repository);
      throw error;
    }
  }

  async look(
    repository: PrsRepository,
    commands: readonly PushCommand[],
    addressGroup: string,
  ): Promise<PushLook> {
    const { git, refChanges, repositories, registry, purgatory, isOwnService } = this.#parts;
    const changes = refChanges.count;
    const isThere = await repositories.exists(repository);
    const current = isThere
      ? await currentRefs(git, repositories.pathOf(repository), commands)
      : { refs: new Map<string, string>(), pullRequestRefs: 0 };
    const events = await eventsOf(this.#parts, commands, (event) => {
      const reason = whyNotIn(event, repository, isOwnService);
      return reason === undefined ? readPullRequest(event) : { type: 'unfit', reason };
    });
    const mayCome = isThere || registry.hasRoomBeforeEvents(repository);
    const unannouncedRoom = mayCome ? purgatory.awaited.roomFor(repository, addressGroup) : 0;
    const maintainers = new Set([repository.signer]);
    return { context: { ...current, states: [], events, maintainers, unannouncedRoom }, changes };
  }

  packTerms(repository: PrsRepository, setting: readonly Setting[], { events }: PushContext): PackTerms {
    const isAnnounced = setting.every(({ command }) => events.has(eventIdOf(command.ref)));
    const room = this.#parts.room.reserve(repository, isAnnounced);
    return { limits: this.#parts.packLimits, room, arePathsBounded: false };
  }

  async make(repository: PrsRepository): Promise<string> {
    const { repositories, metrics } = this.#parts;
    if ((await repositories.ensure(repository)) === 'made') metrics.countChange('made');
    return repositories.pathOf(repository);
  }

  async follow(repository: PrsRepository, setting: readonly Setting[]): Promise<void> {
    const eventIds = setting.map(({ command }) => eventIdOf(command.ref));
    await this.#parts.promotion.afterPrs(repository, eventIds);
  }

  async #end(repository: PrsRepository): Promise<void> {
    const { registry, alignment, signal } = this.#parts;
    registry.end(repository);
    await alignment.afterPush(repository, signal);
  }
}

/** Clients take a server for one without GRASP-06 that says `not found` or `404`; git says that, and an object id may have it. */
function withoutWordsOfAbsence(reason: string): string {
  const words = reason.replaceAll(/not found/gi, 'missing').split(' ');
  return words.map((word) => (word.includes('404') ? '…' : word)).join(' ');
}
