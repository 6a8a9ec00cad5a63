import { exceeds } from '../config/limit-use.js';
import { addressTextOf } from '../nostr/address.js';
import { eventBytes } from '../nostr/event.js';
import type { Journal } from '../store/journal.js';
import { journalEntryOf, journalNameOf, type LapsedAnnouncement } from './records.js';

/** Announcements whose holding ran out, for a day: bounded in bytes, the oldest give way. */
export class LapsedAnnouncements {
  readonly #journal: Pick<Journal, 'put' | 'delete'>;
  /** By address; those that lapsed first are first. */
  readonly #lapsed = new Map<string, LapsedAnnouncement>();
  #bytes = 0;

  constructor(journal: Pick<Journal, 'put' | 'delete'>) {
    this.#journal = journal;
  }

  at(address: string): LapsedAnnouncement | undefined {
    return this.#lapsed.get(address);
  }

  /** Takes in what the journal has. */
  enter(lapsed: LapsedAnnouncement): void {
    this.#lapsed.set(addressTextOf(lapsed.event) as string, lapsed);
    this.#bytes += eventBytes(lapsed.event);
  }

  /** Remembers an announcement; settles when that is journaled. */
  async add(lapsed: LapsedAnnouncement): Promise<void> {
    const { name, value } = journalEntryOf({ type: 'lapsed', value: lapsed });
    const written = [this.forget(addressTextOf(lapsed.event) as string), this.#journal.put(name, value)];
    this.enter(lapsed);
    for (const oldest of this.#lapsed.keys()) {
      if (!exceeds('lapsedAnnouncementBytesMax', this.#bytes)) break;
      written.push(this.forget(oldest));
    }
    await Promise.all(written);
  }

  /** Forgets the announcement at an address; settles when that is journaled. */
  async forget(address: string): Promise<void> {
    const lapsed = this.#lapsed.get(address);
    if (lapsed === undefined) return;
    this.#lapsed.delete(address);
    this.#bytes -= eventBytes(lapsed.event);
    await this.#journal.delete(journalNameOf({ type: 'lapsed', value: lapsed }));
  }

  /** Forgets those whose time is over; settles when that is journaled. */
  async sweep(nowMs: number): Promise<void> {
    const over = [...this.#lapsed].filter(([, { deadlineMs }]) => deadlineMs <= nowMs);
    await Promise.all(over.map(([address]) => this.forget(address)));
  }
}
