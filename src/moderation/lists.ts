import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { GraspError } from '../lib/errors.js';
import type { NostrEvent } from '../nostr/event.js';
import { authorBanned, type Bans, eventBanned } from '../policy/policy-context.js';
import type { AllowedKeys } from '../policy/quota-policy.js';
import type { Journal } from '../store/journal.js';
import { BlockedAddresses } from './blocked-addresses.js';

/** The limit of the entries of each list. */
const limitOf = {
  /** Public keys in hex: nothing of theirs is taken. */
  'banned-pubkey': 'bannedPubkeysMax',
  /** Ids of events that are not taken. */
  'banned-event': 'bannedEventsMax',
  /** Public keys in hex that quotas do not bind. */
  'allowed-pubkey': 'allowedPubkeysMax',
  /** Networks as `blockableNetwork` spells them. */
  'blocked-address': 'blockedAddressesMax',
} as const;

export type ListName = keyof typeof limitOf;

const listNames = Object.keys(limitOf) as readonly ListName[];

/** Why and since when something is on a list. */
export type ListEntry = { readonly reason: string; readonly sinceSeconds: number };

/** What can be changed of what the relay says of itself (NIP-11). */
export const changeableTexts = ['name', 'description', 'icon'] as const;
export type ChangeableText = (typeof changeableTexts)[number];

/** A list has as many entries as it may. */
export class ListFullError extends GraspError {
  constructor(list: ListName) {
    super(
      'list_full',
      `there is no room for more: the list ${list} has ${limits[limitOf[list]]} entries, the most that it may`,
    );
  }
}

/** Of all records of this room in the journal, which others have too. */
const namePrefix = 'moderation:';

/**
 * What the operator decided while the daemon ran: in memory, and in the journal in the database of events, as durable as
 * those. A change holds at once; it settles when it is on disk.
 */
export class ModerationLists implements Bans, AllowedKeys {
  readonly addresses = new BlockedAddresses();
  readonly #journal: Journal;
  readonly #lists: Readonly<Record<ListName, Map<string, ListEntry>>> = {
    'banned-pubkey': new Map(),
    'banned-event': new Map(),
    'allowed-pubkey': new Map(),
    'blocked-address': new Map(),
  };
  readonly #texts = new Map<ChangeableText, string>();

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The lists as the journal has them. */
  static async load(journal: Journal): Promise<ModerationLists> {
    const lists = new ModerationLists(journal);
    for await (const { name, value } of journal.entries()) {
      if (!name.startsWith(namePrefix)) continue;
      lists.#enter(name.slice(namePrefix.length), JSON.parse(Buffer.from(value).toString('utf8')));
    }
    return lists;
  }

  refusalOf({ id, pubkey }: Pick<NostrEvent, 'id' | 'pubkey'>): string | undefined {
    if (this.#lists['banned-pubkey'].has(pubkey)) return authorBanned;
    return this.#lists['banned-event'].has(id) ? eventBanned : undefined;
  }

  isAllowed(pubkey: string): boolean {
    return this.#lists['allowed-pubkey'].has(pubkey);
  }

  has(list: ListName, value: string): boolean {
    return this.#lists[list].has(value);
  }

  entries(list: ListName): ReadonlyMap<string, ListEntry> {
    return this.#lists[list];
  }

  /** Throws `ListFullError` where so many more have no room; those that are on the list already need none. */
  checkRoom(list: ListName, values: readonly string[]): void {
    const isNew = (value: string) => !this.#lists[list].has(value);
    this.checkRoomFor(list, new Set(values.filter(isNew)).size);
  }

  /** The same for so many that are not on the list. */
  checkRoomFor(list: ListName, count: number): void {
    if (exceeds(limitOf[list], this.#lists[list].size + count)) throw new ListFullError(list);
  }

  /** Puts something on a list, also once more with another reason. Rejects with `ListFullError` and `StoreError`. */
  async add(list: ListName, value: string, entry: ListEntry): Promise<void> {
    this.checkRoom(list, [value]);
    const kept = { ...entry, reason: entry.reason.slice(0, limits.moderationReasonCharsMax) };
    this.#lists[list].set(value, kept);
    if (list === 'blocked-address') this.addresses.add(value);
    await this.#journal.put(`${namePrefix}${list}:${value}`, Buffer.from(JSON.stringify(kept)));
  }

  /**
   * Takes something off a list: whether it was on it. What follows from that (`after`) is done before it is on disk, so that
   * who is not told that it is off may try again, also when the process ended meanwhile. Rejects with `StoreError`.
   */
  async delete(list: ListName, value: string, after?: () => Promise<void>): Promise<boolean> {
    if (!this.#lists[list].delete(value)) return false;
    if (list === 'blocked-address') this.addresses.delete(value);
    await after?.();
    // It may have been put on it again meanwhile.
    if (!this.#lists[list].has(value)) await this.#journal.delete(`${namePrefix}${list}:${value}`);
    return true;
  }

  /** What is said in the place of the setting. */
  text(name: ChangeableText): string | undefined {
    return this.#texts.get(name);
  }

  /** Has this said in the place of the setting; an empty text has the setting hold again. Rejects with `StoreError`. */
  async setText(name: ChangeableText, text: string): Promise<void> {
    const record = `${namePrefix}text:${name}`;
    if (text === '') {
      this.#texts.delete(name);
      await this.#journal.delete(record);
    } else {
      this.#texts.set(name, text);
      await this.#journal.put(record, Buffer.from(JSON.stringify(text)));
    }
  }

  /** `name`: the list and the value. The journal gives what was put, or nothing. */
  #enter(name: string, content: unknown): void {
    const colon = name.indexOf(':');
    const [list, value] = [name.slice(0, colon), name.slice(colon + 1)];
    const known = listNames.find((candidate) => candidate === list);
    if (known !== undefined) {
      this.#lists[known].set(value, content as ListEntry);
      if (known === 'blocked-address') this.addresses.add(value);
    } else if (list === 'text') this.#texts.set(value as ChangeableText, content as string);
  }
}
