import type { Admission, AdmissionOutcome, EventSource } from '../../admission/admission.js';
import { Patience } from '../../lib/patience.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { StoreOutage } from './store-outage.js';

const away: AdmissionOutcome = {
  type: 'failed',
  reason: 'error: the database of this relay is away; it takes events again when that is back',
};

/**
 * Takes what clients publish to admission. While the database is away they are told so, also those who wait for an answer:
 * what was on its way when it went may still be stored, which promises less than it keeps.
 */
export class ClientSubmission
  implements Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>
{
  readonly #admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>;
  readonly #outage: Pick<StoreOutage, 'reason'>;
  readonly #outcomes = new Patience<AdmissionOutcome>();
  readonly #capacity = new Patience<void>();

  constructor(
    admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>,
    outage: Pick<StoreOutage, 'reason' | 'onChange'>,
  ) {
    this.#admission = admission;
    this.#outage = outage;
    outage.onChange((isAway) => {
      if (!isAway) return;
      this.#outcomes.end(away);
      this.#capacity.end();
    });
  }

  get feed(): Admission['feed'] {
    return this.#admission.feed;
  }

  async submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    if (this.#outage.reason !== undefined) return away;
    return await this.#outcomes.waitFor(this.#admission.submit(event, source));
  }

  async waitForCapacity(type: EventSource['type']): Promise<void> {
    if (this.#outage.reason === undefined)
      await this.#capacity.waitFor(this.#admission.waitForCapacity(type));
  }

  hasCapacity(type: EventSource['type']): boolean {
    return this.#outage.reason !== undefined || this.#admission.hasCapacity(type);
  }
}
