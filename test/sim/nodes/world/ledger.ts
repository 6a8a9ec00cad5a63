import { unixSeconds } from '../../../../src/lib/clock.js';
import { deletionTargets, isDeletion } from '../../../../src/nostr/deletion.js';
import { expirationOf, type NostrEvent } from '../../../../src/nostr/event.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { Promised } from '../../../torture/kills/promised.js';
import type { Answer } from '../node/node-client.js';
import { ephemeralKind } from './author.js';

/** All that was published, what was promised of it, and what nodes served by then. */
export class Ledger {
  /** Events that were promised. */
  acknowledged = 0;
  readonly #clock: VirtualClock;
  readonly #promised = new Promised();
  readonly #published = new Map<string, NostrEvent>();
  /** What may have been deleted by a request that had no answer, and expires itself: nobody can know. */
  readonly #uncertain = new Set<string>();
  readonly #report: (what: string) => void;

  constructor(clock: VirtualClock, report: (what: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  asked(event: NostrEvent): void {
    this.#published.set(event.id, event);
    if (event.kind !== ephemeralKind) this.#promised.asked(event);
  }

  /** What was said to an event. One that failed, or has no answer, may still come. */
  answered(event: NostrEvent, answer: Answer): void {
    if (event.kind === ephemeralKind) return;
    if (answer?.accepted === true) {
      this.acknowledged += 1;
      this.#promised.acknowledged(event);
    } else if (isDeletion(event) && expirationOf(event) !== undefined) {
      for (const id of deletionTargets(event).ids) this.#uncertain.add(id);
    }
  }

  takingAway(id: string): void {
    this.#promised.takingAway([id]);
  }

  takenAway(id: string): void {
    this.#promised.takenAway([id]);
  }

  /** Whether that event has to be there just now, as far as was promised. */
  isDue(id: string): boolean {
    const { present } = this.#promised.expectations(unixSeconds(this.#clock));
    return present.includes(id) && !this.#uncertain.has(id);
  }

  /** What a node serves while others may be served more. */
  checkServed(who: string, ids: Iterable<string>): void {
    for (const id of ids)
      if (!this.#published.has(id)) this.#report(`${who} serves ${id}, which nobody published`);
  }

  /** What all serve at rest. */
  checkAtRest(there: ReadonlySet<string>): void {
    this.#promised.resolve(there);
    const { present, absent } = this.#promised.expectations(unixSeconds(this.#clock));
    for (const id of present)
      if (!there.has(id) && !this.#uncertain.has(id))
        this.#report(`${this.#tell(id)} was promised, and is gone`);
    for (const id of absent)
      if (there.has(id)) this.#report(`${this.#tell(id)} was to be gone, and is there`);
  }

  #tell(id: string): string {
    return `event ${id} of kind ${this.#published.get(id)?.kind}`;
  }
}
