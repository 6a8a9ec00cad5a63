import { limits } from '../../config/limits.js';
import { TimeLimitError, withTimeLimit } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { SlicedQueue } from '../../lib/turns/sliced-queue.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { addressTextOf, supersedes } from '../../nostr/address.js';
import { firstTagValue, type NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import type { Effect, EffectRunner, Hold } from '../../policy/decision.js';
import { alignMaintained } from '../../policy/effects.js';
import { notRelated } from '../../policy/stored-relations.js';
import type { WritePolicy } from '../../policy/write-policy.js';
import {
  causeOfStatus,
  type HeldEvent,
  hasParents,
  heldReason,
  type ReleaseCause,
} from '../../purgatory/held-event.js';
import type { HeldSet } from '../../purgatory/held-sets.js';
import type { HoldingTerms, Purgatory } from '../../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import { type EventStore, StoreError } from '../../store/event-store.js';
import type { AdmissionOutcome, EventSource } from '../admission.js';
import type { EventFailures } from '../event-failures.js';
import { held, type Judge } from '../judge.js';
import type { Refusals } from '../refusals.js';
import { type Doubt, Doubts } from './doubts.js';

/** Where events wait for their git data, and who looks for it. */
export type HoldingParts = {
  readonly purgatory: Purgatory;
  readonly directory: RepositoryDirectory;
  /**
   * Asked once about each event that waits for git data, when it is journaled: makes the repository of an announcement;
   * where all is here already, has the event promoted.
   */
  readonly examine: (event: NostrEvent) => Promise<'promoted' | 'waits'>;
  /** Told of each event that was refused though id and signature are right: what was pushed for it is in vain. */
  readonly onRefused: (event: NostrEvent) => void;
};

type DeskParts = HoldingParts & {
  readonly store: Pick<EventStore, 'preview'>;
  readonly policy: Pick<WritePolicy, 'decide'>;
  readonly judge: Pick<Judge, 'promoted'>;
  readonly refusals: Pick<Refusals, 'rememberHeld'>;
  readonly failures: EventFailures;
  readonly clock: Clock;
  readonly effects: EffectRunner;
  readonly onStoreFailure: (error: unknown) => void;
  /** Stores an event; settles when it is on disk. `undefined` where the store does not keep it. */
  readonly put: (event: NostrEvent, effects: readonly Effect[]) => Promise<AdmissionOutcome> | undefined;
};

/**
 * What admission does with held events: they are remembered against their copies from other relays, looked at again when
 * what they hang on comes or goes, stored when their git data is here, and let go when their time is over.
 */
export class HoldingDesk {
  readonly #parts: DeskParts;
  readonly #turns: WorkTurns;
  readonly #doubts: Doubts;
  /** What is let go of, event by event, however much has been held for too long at once. */
  readonly #endings: SlicedQueue;
  /** By the id of the state for which an announcement is being revived. */
  readonly #revivals = new Map<string, Promise<boolean>>();
  #isClosed = false;

  constructor(turns: WorkTurns, parts: DeskParts) {
    this.#parts = parts;
    this.#turns = turns;
    this.#doubts = new Doubts(turns, parts.purgatory, (id, doubt) =>
      parts.failures.attempt(id, () => this.#lookAgain(id, doubt)),
    );
    this.#endings = new SlicedQueue(turns);
  }

  /** Holds an event. Settles when it is on disk and was looked at: `held`, `stored` where its git data was here, or `refused`. */
  async hold(event: NostrEvent, source: EventSource, { effects, parents }: Hold): Promise<AdmissionOutcome> {
    const addressGroup = source.type === 'direct' ? source.address?.group : undefined;
    return await this.#hold(event, { addressGroup, parents }, effects);
  }

  /**
   * Stores a held event whose git data is here. Settles when it is on disk (`stored`), or tells why it cannot be; what the
   * store would not keep is held no longer. Rejects as `Admission.submit`.
   */
  async promote(event: NostrEvent): Promise<AdmissionOutcome> {
    const { judge, store, purgatory, put } = this.#parts;
    const judgement = judge.promoted(event);
    // It may expire as it is put (NIP-40).
    if (judgement.type === 'taken') return await (put(event, judgement.effects) ?? this.promote(event));
    const status = store.preview(event);
    const entry = purgatory.get(event.id);
    if (status !== 'stored' && entry !== undefined) await this.#end(entry, causeOfStatus[status]);
    return judgement;
  }

  /** Holds an announcement anew whose time ran out within a day, for its author came back: whether there is such a one. */
  async revive(repository: RepositoryId): Promise<boolean> {
    const { purgatory, store, policy } = this.#parts;
    const lapsed = purgatory.lapsedAnnouncementOf(repository);
    if (lapsed === undefined || store.preview(lapsed.event) !== 'stored') return false;
    const decision = policy.decide(lapsed.event);
    if (decision.type !== 'hold') return false;
    const { addressGroup } = lapsed;
    const outcome = await this.#hold(
      lapsed.event,
      { addressGroup, parents: decision.parents },
      decision.effects,
    );
    return outcome.type !== 'refused';
  }

  /** Lets a state, whose signature was checked, revive the announcement of its author, which is looked at before it. */
  reviveFor(event: NostrEvent): void {
    if (event.kind !== kinds.repositoryState) return;
    const repository = repositoryIn(event);
    if (this.#parts.purgatory.lapsedAnnouncementOf(repository) === undefined) return;
    const revival = this.revive(repository).finally(() => this.#revivals.delete(event.id));
    this.#revivals.set(event.id, revival);
    this.#inBackground(event, revival);
  }

  /**
   * An event was put: ends what it ends. Answers which held events are to be looked at again once it is written. Call this in
   * the same turn, so that event and journal are written together.
   */
  onStored(event: NostrEvent): readonly HeldSet[] {
    const { purgatory } = this.#parts;
    const affected = purgatory.concernedBy(event);
    this.#inBackground(event, this.#journaled(purgatory.release(event.id, 'promoted')));
    for (const deleted of purgatory.deletedBy(event))
      this.#inBackground(event, this.#end(deleted, 'deleted'));
    const version = purgatory.versionOf(event);
    if (version === undefined) return affected;
    if (!supersedes(event, version.event)) return [...affected, { type: 'event', name: version.event.id }];
    this.#inBackground(event, this.#end(version, 'replaced'));
    return affected;
  }

  /** A verified event was refused: one that is newer than a held version ends that, as an announcement that lists us no longer. */
  onRefused(event: NostrEvent): void {
    this.#parts.onRefused(event);
    const version = this.#parts.purgatory.versionOf(event);
    if (version !== undefined && supersedes(event, version.event))
      this.#inBackground(event, this.#end(version, 'replaced'));
  }

  /** Looks again whether held events have to be held, and may be; `cause`: how it ends for those that may not. */
  reconsider(sets: Iterable<HeldSet>, cause: ReleaseCause = 'expired'): void {
    for (const events of sets) this.#doubts.add({ events, cause });
  }

  /** Lets go of what has been held for too long, in as many turns as that takes. */
  async sweep(): Promise<void> {
    const { purgatory, failures } = this.#parts;
    // Whose time is over depends on what hangs on what by now, which a journal does not say.
    await this.#doubts.drained();
    if (this.#isClosed) return;
    // What hangs on others goes before those, and is not looked at again for them.
    for (const due of purgatory.due().reverse())
      this.#endings.push(() => {
        // It may be held no longer by now, on other terms, or for what has taken the place of what it hung on.
        if (purgatory.get(due.event.id) !== due || !due.parents.every((id) => purgatory.has(id))) return;
        failures.attempt(due.event.id, () => this.#inBackground(due.event, this.#end(due, 'expired')));
      });
    this.#inBackground(undefined, this.#journaled(purgatory.sweepLapsed()));
  }

  /** Looks at nothing more, and lets go of nothing: the next start does. */
  close(): void {
    this.#isClosed = true;
    this.#doubts.clear();
    this.#endings.clear();
  }

  /** Looks again, after a start, at all that was held before: time, settings and the store went on. */
  async resume(): Promise<void> {
    for (const { event } of this.#parts.purgatory.all())
      this.#doubts.add({ events: { type: 'event', name: event.id }, cause: 'expired' });
    await this.sweep();
  }

  async #hold(event: NostrEvent, terms: HoldingTerms, effects: readonly Effect[]): Promise<AdmissionOutcome> {
    const { purgatory, refusals, effects: runner } = this.#parts;
    for (const entry of purgatory.givingWayTo(event, terms))
      this.#inBackground(entry.event, this.#end(entry, 'expired'));
    const version = purgatory.versionOf(event);
    const holding = purgatory.hold(event, terms);
    if ('refusal' in holding) return { type: 'refused', reason: holding.refusal };
    refusals.rememberHeld(event, heldReason);
    const renewed = this.#renewFor(event);
    if (version !== undefined) this.#doubtWhatWasLeft(version, event, terms);
    await Promise.all([this.#journaled(holding.written), this.#journaled(renewed)]);
    // A state that is held moves no ref, in however many repositories it governs.
    if (effects.length > 0 && event.kind !== kinds.repositoryState) runner.run(effects);
    await this.#revivals.get(event.id);
    if (terms.parents.length > 0 || (await this.#examine(event)) === 'waits') return held;
    return { type: 'stored' };
  }

  /** A state begins the time of the announcements anew that wait for it. */
  async #renewFor(event: NostrEvent): Promise<void> {
    if (event.kind !== kinds.repositoryState) return;
    const { purgatory, directory } = this.#parts;
    const { pubkey, identifier } = repositoryIn(event);
    const governed = directory.servedAndMaintainedBy(pubkey, identifier);
    const announcements = governed.flatMap((repository) => purgatory.announcementOf(repository) ?? []);
    const ids = announcements.map((announcement) => announcement.event.id);
    await purgatory.renewAll(ids, this.#turns);
  }

  async #examine(event: NostrEvent): Promise<'promoted' | 'waits'> {
    const { clock, examine, failures } = this.#parts;
    try {
      return await withTimeLimit(clock, 'the look for git data', limits.heldExaminationMsMax, examine(event));
    } catch (error) {
      if (!(error instanceof TimeLimitError)) failures.outcomeOf(event, { type: 'direct' }, error);
      return 'waits';
    }
  }

  #lookAgain(id: string, { events, cause, address }: Doubt): void {
    const { purgatory } = this.#parts;
    const entry = purgatory.get(id);
    // What names an event and waits for git data by itself has nothing to do with it.
    if (entry === undefined || (events.type === 'naming' && !hasParents(entry))) return;
    if (address !== undefined && purgatory.passOn(id, events.name, address)) return;
    this.#inBackground(entry.event, this.#judgeAgain(entry, cause));
  }

  async #judgeAgain(entry: HeldEvent, cause: ReleaseCause): Promise<void> {
    const { store, policy, purgatory, effects } = this.#parts;
    const { event } = entry;
    const status = store.preview(event);
    if (status !== 'stored') return await this.#end(entry, causeOfStatus[status]);
    const decision = policy.decide(event);
    if (decision.type === 'accept') {
      await this.promote(event);
    } else if (decision.type === 'reject') {
      // What lacks nothing but room may find some while it is held.
      if (decision.lacks === undefined) await this.#end(entry, cause);
    } else if (purgatory.hangOn(event.id, decision.parents) && decision.parents.length === 0) {
      // What it hung on is stored, and it waits for git data of its own now.
      effects.run(decision.effects);
      await this.#examine(event);
    }
  }

  /** Ends the holding of an event that is not stored, and looks at what hangs on it. Settles when that is on disk. */
  #end(entry: HeldEvent, cause: ReleaseCause): Promise<void> {
    const { purgatory, refusals, directory, effects } = this.#parts;
    const { event } = entry;
    const written = purgatory.release(event.id, cause);
    // What only hung on something is tried again when that comes.
    if (hasParents(entry) && cause !== 'promoted') refusals.rememberHeld(event, notRelated);
    if (event.kind === kinds.repositoryAnnouncement)
      effects.run(alignMaintained(directory, repositoryIn(event)));
    this.reconsider(dependantsOf(event), cause);
    return this.#journaled(written);
  }

  /**
   * What is to be looked at again when another version of an event is held in its place. A state gives nobody a say and waits
   * for git data by itself, so that what names its address hangs on it as on the one before.
   */
  #doubtWhatWasLeft({ event }: HeldEvent, version: NostrEvent, { parents }: HoldingTerms): void {
    const address = addressTextOf(version);
    const isPassedOn = event.kind === kinds.repositoryState && parents.length === 0;
    for (const events of dependantsOf(event))
      this.#doubts.add({ events, cause: 'replaced', ...(isPassedOn && address ? { address } : {}) });
  }

  /** What the store cannot write ends the daemon, also where nobody waits for it. */
  async #journaled(written: Promise<void>): Promise<void> {
    try {
      await written;
    } catch (error) {
      if (error instanceof StoreError) this.#parts.onStoreFailure(error);
      throw error;
    }
  }

  #inBackground(event: NostrEvent | undefined, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#parts.failures.noteLate(event?.id, error));
  }
}

function repositoryIn(event: NostrEvent): RepositoryId {
  return { pubkey: event.pubkey, identifier: firstTagValue(event, 'd') ?? '' };
}

/** What may have no reason to be held without an event. */
function dependantsOf(event: NostrEvent): HeldSet[] {
  const children: HeldSet = { type: 'hanging-on', name: event.id };
  if (event.kind !== kinds.repositoryAnnouncement) return [children];
  return [children, { type: 'states-of', name: repositoryIn(event).identifier }];
}
