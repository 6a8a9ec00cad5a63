import type { AdmissionPipeline } from '../admission/admission-pipeline.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import { errorMessage, GraspError } from '../lib/errors.js';
import type { Filter } from '../nostr/filter.js';
import type { EffectRunner } from '../policy/decision.js';
import { isQuotaRefusal } from '../policy/key-quotas.js';
import { authorBanned, eventBanned } from '../policy/policy-context.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';
import type { RefusedIndex } from '../store/refused/refused-index.js';
import { blockableNetwork } from './blocked-addresses.js';
import type { ChangeableText, ListEntry, ModerationLists } from './lists.js';
import { takeAway } from './taking-away.js';

export type ModerationParts = {
  readonly lists: ModerationLists;
  readonly store: Pick<EventStore, 'idsInTurns' | 'some' | 'has' | 'countInTurns'>;
  readonly refused: Pick<RefusedIndex, 'forgetInTurns' | 'reasonFor' | 'delete'>;
  readonly admission: Pick<AdmissionPipeline, 'takeAway' | 'want' | 'holding'>;
  readonly purgatory: Pick<Purgatory, 'all'>;
  readonly directory: Pick<RepositoryDirectory, 'isServed'>;
  readonly repositories: Pick<BareRepositories, 'list'>;
  readonly alignment: EffectRunner;
  /** Whether a public key cannot be banned: it is of somebody who may ban. */
  readonly isProtected: (pubkey: string) => boolean;
  readonly trustedProxies: readonly string[];
  /** Ends the connections of addresses that are blocked now. */
  readonly endBlocked: () => void;
  readonly clock: Clock;
  readonly log: ModerationLog;
  /** Nothing goes on when it aborts; the next start goes on. */
  readonly signal: AbortSignal;
};

export type ModerationLog = {
  info(details: object, message: string): void;
  error(details: object, message: string): void;
};

/** Who is not to be banned; the message is for the operator. */
export class ProtectedKeyError extends GraspError {
  constructor(pubkey: string) {
    super('protected_key', `${pubkey} is the key of this relay's owner, or of an admin: it cannot be banned`);
  }
}

/** The events of a ban while they are taken away. */
export type Taking = {
  /** How many were stored when it began, and how many are gone. */
  readonly total: number;
  readonly removed: number;
  /** Never rejects: what fails is logged, and done by the next start. */
  readonly ended: Promise<void>;
};

/** What a ban is told of: who said it, in a word or by public key, and why. */
export type Wording = { readonly by: string; readonly reason: string };

/**
 * What a ban that is lifted does not change: what the store itself says of events, what the operator says of single ones, and
 * what their author deleted, though the deletion request was taken away as well and may not come back.
 */
const keptReasons: ReadonlySet<string> = new Set(['expired', 'removed', 'deleted']);

/**
 * Bans while the daemon runs. What is banned is refused at once, and so when it is on disk; what is stored of it is taken away
 * after that, which a start goes on with: it looks whether there is any left.
 */
export class Moderation {
  readonly #parts: ModerationParts;
  readonly #takings = new Map<string, Taking>();

  constructor(parts: ModerationParts) {
    this.#parts = parts;
  }

  get lists(): ModerationLists {
    return this.#parts.lists;
  }

  /**
   * Takes away what is stored of what is banned, and closes the repositories on disk that are left of banned owners. Never
   * rejects: what fails is logged, and done by the next start.
   */
  async resume(): Promise<void> {
    try {
      await this.#resume();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #resume(): Promise<void> {
    const { lists, store, repositories, directory, alignment } = this.#parts;
    const banned = lists.entries('banned-pubkey');
    for (const pubkey of banned.keys())
      if (store.some({ authors: [pubkey] })) await this.#begin(pubkey, { authors: [pubkey] }, 0).ended;
    for (const id of lists.entries('banned-event').keys())
      if (store.has(id)) await this.#begin(id, { ids: [id] }, 0).ended;
    this.#letGoOfHeld();
    if (banned.size === 0) return;
    for await (const repository of repositories.list()) {
      if (!banned.has(repository.pubkey) || directory.isServed(repository)) continue;
      alignment.run([{ type: 'align-repository', ...repository }]);
    }
  }

  /** Settles when nothing is being taken away. */
  async ended(): Promise<void> {
    await Promise.all([...this.#takings.values()].map(({ ended }) => ended));
  }

  /** Rejects with `ProtectedKeyError`, `ListFullError` and `StoreError`; settles when the ban is on disk. */
  async banPubkey(pubkey: string, wording: Wording): Promise<Taking> {
    const { lists, store, isProtected } = this.#parts;
    if (isProtected(pubkey)) throw new ProtectedKeyError(pubkey);
    await lists.add('banned-pubkey', pubkey, this.#entry(wording));
    await lists.delete('allowed-pubkey', pubkey);
    this.#log('a public key is banned', { pubkey, ...wording });
    this.#letGoOfHeld();
    const filter = { authors: [pubkey] };
    return this.#begin(pubkey, filter, await store.countInTurns([filter], this.#parts.signal));
  }

  /** Rejects with `ListFullError` and `StoreError`; settles when the ban is on disk. */
  async banEvent(id: string, wording: Wording): Promise<Taking> {
    await this.#addEvents([id], wording);
    this.#log('an event is banned', { id, ...wording });
    return this.#begin(id, { ids: [id] }, this.#parts.store.has(id) ? 1 : 0);
  }

  /**
   * Takes away the stored events that match, and bans each where that is wanted; gives how many went, after each batch. Who
   * stops asking leaves the rest. Rejects as `banEvent` and `AdmissionPipeline.takeAway`; where not all can be banned, before
   * any is taken away.
   */
  async *delete(filters: readonly Filter[], isBan: boolean, wording: Wording): AsyncGenerator<number> {
    const { store, signal } = this.#parts;
    if (isBan) this.lists.checkRoomFor('banned-event', await store.countInTurns(filters, signal));
    this.#log('events are deleted', { filters, isBan, ...wording });
    const ban = async (ids: readonly string[]) => await this.#addEvents(ids, wording);
    for (const filter of filters)
      yield* takeAway(this.#parts, filter, isBan ? eventBanned : 'removed', isBan ? ban : undefined);
  }

  /** Lifts a ban: whether there was one. What was refused for it is forgotten, and asked of other relays. */
  async unbanPubkey(pubkey: string, by: string): Promise<boolean> {
    const wasBanned = await this.lists.delete('banned-pubkey', pubkey, async () => {
      await this.#takings.get(pubkey)?.ended;
      // Nothing of the author is stored: what an event of theirs superseded may come again with that.
      await this.#forget(pubkey, (reason) => !keptReasons.has(reason));
    });
    if (wasBanned) this.#log('a public key is no longer banned', { pubkey, by });
    return wasBanned;
  }

  /** The same for an event. */
  async unbanEvent(id: string, by: string): Promise<boolean> {
    const { lists, refused, admission } = this.#parts;
    const wasBanned = await lists.delete('banned-event', id, async () => {
      await this.#takings.get(id)?.ended;
      if (refused.reasonFor(id) === eventBanned) refused.delete(id);
      admission.want([id]);
    });
    if (wasBanned) this.#log('an event is no longer banned', { id, by });
    return wasBanned;
  }

  /** Frees a key of quotas, and of a ban. Rejects with `ListFullError` and `StoreError`. */
  async allowPubkey(pubkey: string, wording: Wording): Promise<void> {
    await this.#parts.lists.add('allowed-pubkey', pubkey, this.#entry(wording));
    this.#log('a public key is allowed', { pubkey, ...wording });
    await this.unbanPubkey(pubkey, wording.by);
    await this.#forget(pubkey, isQuotaRefusal);
  }

  /** Takes that back: whether there was such. */
  async unallowPubkey(pubkey: string, by: string): Promise<boolean> {
    const wasAllowed = await this.#parts.lists.delete('allowed-pubkey', pubkey);
    if (wasAllowed) this.#log('a public key is no longer allowed', { pubkey, by });
    return wasAllowed;
  }

  /** Blocks an address or network, and ends its connections; gives its one spelling. Rejects with `AddressError` as well. */
  async blockAddress(text: string, wording: Wording): Promise<string> {
    const { lists, trustedProxies, endBlocked } = this.#parts;
    const network = blockableNetwork(text, trustedProxies);
    const written = lists.add('blocked-address', network, this.#entry(wording));
    endBlocked();
    await written;
    this.#log('an address is blocked', { network, ...wording });
    return network;
  }

  /** Whether it was blocked. Rejects with `AddressError` and `StoreError`. */
  async unblockAddress(text: string, by: string): Promise<boolean> {
    const network = blockableNetwork(text, []);
    const wasBlocked = await this.#parts.lists.delete('blocked-address', network);
    if (wasBlocked) this.#log('an address is no longer blocked', { network, by });
    return wasBlocked;
  }

  /** Has the relay say this of itself; an empty text has the setting hold again. Rejects with `StoreError`. */
  async changeText(name: ChangeableText, text: string, by: string): Promise<void> {
    await this.lists.setText(name, text);
    this.#log('what the relay says of itself is changed', { [name]: text, by });
  }

  /** One for what is banned already takes away what is left. */
  #begin(key: string, filter: Filter, total: number): Taking {
    const reason = filter.ids === undefined ? authorBanned : eventBanned;
    const list = filter.ids === undefined ? 'banned-pubkey' : 'banned-event';
    const before = this.#takings.get(key)?.ended;
    const taking = { total, removed: 0, ended: Promise.resolve() };
    const work = async (): Promise<void> => {
      await before;
      for await (const removed of takeAway(this.#parts, filter, reason)) {
        taking.removed += removed;
        if (this.#parts.signal.aborted || !this.lists.has(list, key)) return;
      }
    };
    taking.ended = work()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        if (this.#takings.get(key) === taking) this.#takings.delete(key);
      });
    this.#takings.set(key, taking);
    return taking;
  }

  /** Forgets what was refused of a key for such a reason, and asks other relays for it. */
  async #forget(pubkey: string, isSuch: (reason: string) => boolean): Promise<void> {
    const { refused, admission } = this.#parts;
    for await (const ids of refused.forgetInTurns({ authors: [pubkey] }, isSuch)) admission.want(ids);
  }

  async #addEvents(ids: readonly string[], wording: Wording): Promise<void> {
    const { lists } = this.#parts;
    lists.checkRoom('banned-event', ids);
    // In one write.
    await Promise.all(ids.map((id) => lists.add('banned-event', id, this.#entry(wording))));
    this.#letGoOfHeld();
  }

  /** Has held events that are banned by now judged again. */
  #letGoOfHeld(): void {
    const { purgatory, lists, admission } = this.#parts;
    const banned = [...purgatory.all()].filter(({ event }) => lists.refusalOf(event) !== undefined);
    admission.holding?.reconsider(
      banned.map(({ event }) => ({ type: 'event', name: event.id })),
      'deleted',
    );
  }

  #entry({ reason }: Wording): ListEntry {
    return { reason, sinceSeconds: unixSeconds(this.#parts.clock) };
  }

  /** What the end of the process cuts off is no failure. */
  #failed(error: unknown): void {
    if (this.#parts.signal.aborted) return;
    this.#parts.log.error({ error: errorMessage(error) }, 'what is banned is not all taken away');
  }

  #log(message: string, details: object): void {
    this.#parts.log.info(details, message);
  }
}
