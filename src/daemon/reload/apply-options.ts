import type { Logger } from 'pino';
import { backgroundTurns } from '../../config/background-turns.js';
import type { Options } from '../../config/options.js';
import type { Clock } from '../../lib/clock.js';
import type { TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import { repositoryAddress } from '../../nostr/repository.js';
import { RepositoryServing } from '../../repositories/serving.js';
import type { SyncManager } from '../../sync/manager.js';
import type { Core } from '../core.js';
import { checkClosing } from '../git/closing-check.js';
import { servingRulesOf } from '../settings.js';
import type { CurrentOptions } from './current-options.js';
import {
  authorKeys,
  isDifferent,
  isOfAuthors,
  isOfServing,
  rememberJudging,
  servingKeys,
} from './judging-options.js';
import { judgeAllAnew, servedBy } from './standings.js';

/** What is told of other options, beside those parts that ask at each use. */
export type OptionUsers = Pick<
  Core,
  | 'store'
  | 'refused'
  | 'journal'
  | 'serving'
  | 'directory'
  | 'purgatory'
  | 'admission'
  | 'quotas'
  | 'alignment'
  | 'repositories'
  | 'disk'
> & {
  readonly current: CurrentOptions;
  readonly sync: Pick<SyncManager, 'follow' | 'beginWith' | 'catchUpWithAll'>;
  readonly logger: Pick<Logger, 'level'>;
  readonly clock: Clock;
};

/** Puts options in the place of the current ones while all goes on. */
export class OptionChange {
  readonly #users: OptionUsers;
  readonly #before: Options;
  readonly #after: Options;
  readonly #signal: AbortSignal;
  readonly #turns: TurnScheduler;

  constructor(users: OptionUsers, after: Options, signal: AbortSignal) {
    this.#users = users;
    this.#before = users.current.now;
    this.#after = after;
    this.#signal = signal;
    this.#turns = backgroundTurns(users.clock, 'care');
  }

  /**
   * Refuses options by which many repositories would be closed that nobody said should be: rejects with `ClosingRefusedError`.
   * Nothing is changed.
   */
  async check(closingAccepted: number): Promise<void> {
    if (!this.#differs(servingKeys)) return;
    const { directory, repositories } = this.#users;
    const isServed = await servedBy(new RepositoryServing(servingRulesOf(this.#after)), this.#walk());
    const signal = this.#signal;
    const onDisk = {
      closedSince: repositories.closedSince.bind(repositories),
      async *list() {
        for await (const repository of repositories.list()) {
          signal.throwIfAborted();
          yield repository;
        }
      },
    };
    const announced = { isServed, isAnnounced: directory.isAnnounced.bind(directory) };
    await checkClosing(this.#after, { directory: announced, repositories: onDisk }, closingAccepted);
  }

  /** All options hold from one turn of the event loop on; what follows from that is done when this resolves. */
  async takeEffect(): Promise<void> {
    const { current, serving, quotas, logger, disk, refused, sync } = this.#users;
    const isServingOther = this.#differs(servingKeys);
    const isBlacklistOther = this.#differs(authorKeys);
    current.replace(this.#after);
    serving.change(servingRulesOf(this.#after));
    logger.level = this.#after.logLevel ?? 'info';
    quotas.settingsChanged();
    await disk.look();
    if (isServingOther) await this.#serveAnew();
    if (this.#differs(['syncBootstrapRelayUrl'])) await sync.beginWith(this.#after.syncBootstrapRelayUrl);
    if (!isServingOther && !isBlacklistOther) return;
    const isChanged = (reason: string) =>
      (isServingOther && isOfServing(reason)) || (isBlacklistOther && isOfAuthors(reason));
    for await (const _ of refused.forgetInTurns({}, isChanged)) this.#signal.throwIfAborted();
    // Last, so that a start forgets what an end of the process meanwhile left.
    await rememberJudging(this.#after, this.#users);
    // What is not refused any more comes only to who asks for it.
    sync.catchUpWithAll();
  }

  /** Repositories that are served no longer are closed, with their grace; those that are now have their place again. */
  async #serveAnew(): Promise<void> {
    const { admission, alignment, sync } = this.#users;
    const changed = await judgeAllAnew(this.#walk());
    for (const repository of changed) {
      if (this.#turns.isOver) await this.#turns.next(this.#signal);
      alignment.lookAt(repository);
    }
    await sync.follow(changed.map(({ pubkey, identifier }) => repositoryAddress(pubkey, identifier)));
    await admission.holding?.resume();
  }

  #differs(keys: readonly (keyof Options)[]): boolean {
    return isDifferent(this.#before, this.#after, keys);
  }

  #walk() {
    return { ...this.#users, turns: this.#turns, signal: this.#signal };
  }
}
