import { firstTagValue, isSameEvent, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { referencesOf, repositoryAddress } from '../nostr/repository.js';
import type { AdmissionOutcome } from './admission.js';

type Submission = { readonly event: NostrEvent; readonly outcome: Promise<AdmissionOutcome> };

/** The submissions of one id: how many are under way, and the last of all. */
type SubmissionsOfId = { count: number; last: Submission };

/** The events that are being checked or written, with the outcome that each will have. */
export class InFlightEvents {
  readonly #outcomes = new Set<Promise<AdmissionOutcome>>();
  readonly #byId = new Map<string, SubmissionsOfId>();
  /** By the address that they announce, how many announcements are under way. */
  readonly #announced = new Map<string, number>();

  /**
   * The outcome of the last submission of that id, when that was this very event. An event does not wait for others that
   * only claim to be it.
   */
  outcomeOf(event: NostrEvent): Promise<AdmissionOutcome> | undefined {
    const last = this.#byId.get(event.id)?.last;
    return last !== undefined && isSameEvent(last.event, event) ? last.outcome : undefined;
  }

  outcomes(): Iterable<Promise<AdmissionOutcome>> {
    return this.#outcomes;
  }

  begin(event: NostrEvent, outcome: Promise<AdmissionOutcome>): void {
    this.#outcomes.add(outcome);
    const last = { event, outcome };
    const ofId = this.#byId.get(event.id);
    if (ofId === undefined) {
      this.#byId.set(event.id, { count: 1, last });
    } else {
      ofId.count += 1;
      ofId.last = last;
    }
    this.#count(event, 1);
  }

  end(event: NostrEvent, outcome: Promise<AdmissionOutcome>): void {
    this.#outcomes.delete(outcome);
    const ofId = this.#byId.get(event.id);
    if (ofId !== undefined) ofId.count -= 1;
    if (ofId?.count === 0) this.#byId.delete(event.id);
    this.#count(event, -1);
  }

  /**
   * Whether an event refers to one that is under way. Of one source, verdicts come in the order of arrival, so that it
   * will have been decided about that one when the verdict on this one comes.
   */
  has(event: NostrEvent): boolean {
    if (this.#byId.size === 0) return false;
    if (event.kind === kinds.repositoryState && this.#announced.has(addressOf(event))) return true;
    const { ids, addresses } = referencesOf(event);
    return ids.some((id) => this.#byId.has(id)) || addresses.some((address) => this.#announced.has(address));
  }

  #count(event: NostrEvent, change: 1 | -1): void {
    if (event.kind !== kinds.repositoryAnnouncement) return;
    const address = addressOf(event);
    const count = (this.#announced.get(address) ?? 0) + change;
    if (count > 0) this.#announced.set(address, count);
    else this.#announced.delete(address);
  }
}

/** The address of the repository that an announcement or a state is about. */
function addressOf(event: NostrEvent): string {
  return repositoryAddress(event.pubkey, firstTagValue(event, 'd') ?? '');
}
