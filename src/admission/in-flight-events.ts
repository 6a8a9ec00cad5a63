import { firstTagValue, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { referencesOf, repositoryAddress } from '../nostr/repository.js';
import type { AdmissionOutcome } from './admission.js';

/** The events that are being checked or written, with the outcome that each will have. */
export class InFlightEvents {
  readonly #outcomes = new Map<string, Promise<AdmissionOutcome>>();
  /** By the address that they announce, how many announcements are under way. */
  readonly #announced = new Map<string, number>();

  /** The outcome of the last submission of that id. */
  outcomeOf(id: string): Promise<AdmissionOutcome> | undefined {
    return this.#outcomes.get(id);
  }

  outcomes(): Iterable<Promise<AdmissionOutcome>> {
    return this.#outcomes.values();
  }

  begin(event: NostrEvent, outcome: Promise<AdmissionOutcome>): void {
    this.#outcomes.set(event.id, outcome);
    this.#count(event, 1);
  }

  end(event: NostrEvent, outcome: Promise<AdmissionOutcome>): void {
    if (this.#outcomes.get(event.id) === outcome) this.#outcomes.delete(event.id);
    this.#count(event, -1);
  }

  /**
   * Whether an event refers to one that is under way. Of one source, verdicts come in the order of arrival, so that it
   * will have been decided about that one when the verdict on this one comes.
   */
  has(event: NostrEvent): boolean {
    if (this.#outcomes.size === 0) return false;
    if (event.kind === kinds.repositoryState && this.#announced.has(addressOf(event))) return true;
    const { ids, addresses } = referencesOf(event);
    return (
      ids.some((id) => this.#outcomes.has(id)) || addresses.some((address) => this.#announced.has(address))
    );
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
