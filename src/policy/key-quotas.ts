import { exceeds, reaches } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { NumberColumn } from '../lib/collections/number-column.js';
import { kinds } from '../nostr/kinds.js';
import { IdNumbers } from '../store/name-numbers.js';

/** What one key, and all together, may have stored here. */
export type QuotaSettings = {
  /** Announced repositories of one key. */
  readonly keyRepositoriesMax: number;
  /** Stored events of one key. */
  readonly keyEventsMax: number;
  /** Bytes of the stored events of one key, each rounded up to a power of two. */
  readonly keyBytesMax: number;
  /** Announced repositories of all keys. */
  readonly repositoriesMax: number;
};

/** An event as far as quotas are about it; `bytes` is an upper estimate. */
export type CountedEvent = { readonly pubkey: string; readonly kind: number; readonly bytes: number };

/** In every reason of `KeyQuotas`, and in no other: who has more gives room by deleting. */
const quotaPhrase = ', the most that ';

/** Whether that is a reason of `KeyQuotas`. */
export function isQuotaRefusal(reason: string): boolean {
  return reason.includes(quotaPhrase);
}

/** Kinds that anybody may store though they are related to nothing that is stored. */
const unrelatedKinds: ReadonlySet<number> = new Set([kinds.deletion, kinds.userGraspList]);

/**
 * What each key has stored here. Keys cost nothing, so what one of them makes the relay keep is bounded: repositories,
 * events and bytes; and what those have who stored nothing but deletions and service lists, one by one and all
 * together. Counted from what is stored, so that it survives a restart and removal gives back; about 65 bytes a key.
 */
export class KeyQuotas {
  readonly #settings: QuotaSettings;
  readonly #keys = new IdNumbers();
  readonly #events = new NumberColumn();
  readonly #kilobytes = new NumberColumn();
  readonly #repositories = new NumberColumn();
  readonly #unrelated = new NumberColumn();
  #allRepositories = 0;
  #allUnrelated = 0;
  #allUnrelatedKilobytes = 0;
  #changes = 0;

  constructor(settings: QuotaSettings) {
    this.#settings = settings;
  }

  /** How often events were counted out, or quotas changed: where it stays, nobody has more room than before. */
  get changes(): number {
    return this.#changes;
  }

  /** To be called when the settings say something else than before. */
  settingsChanged(): void {
    this.#changes += 1;
  }

  /** Counts a stored event. */
  add(event: CountedEvent): void {
    const key = this.#keys.hold(event.pubkey);
    this.#count(key, event, 1);
  }

  /** Counts an event out that left the store. */
  remove(event: CountedEvent): void {
    const key = this.#keys.find(event.pubkey);
    if (key < 0) return;
    this.#count(key, event, -1);
    this.#changes += 1;
    this.#keys.release(key);
  }

  /**
   * Why one more event of that key is too many, with what to do; `undefined` when it is not. `replaces`: it takes the
   * place of a stored one, so that there are no more of them afterwards.
   */
  refusal(event: CountedEvent, replaces: boolean): string | undefined {
    const key = this.#keys.find(event.pubkey);
    if (unrelatedKinds.has(event.kind))
      return replaces ? undefined : this.#unrelatedRefusal(key, kilobytesOf(event));
    const { keyEventsMax, keyBytesMax } = this.#settings;
    if (!replaces && event.kind === kinds.repositoryAnnouncement) {
      const refusal = this.#repositoryRefusal(key);
      if (refusal !== undefined) return refusal;
    }
    if (!replaces && this.#of(this.#events, key) >= keyEventsMax)
      return `restricted: this key has ${keyEventsMax} events here, the most that one may have; delete some, or ask the operator`;
    if ((this.#of(this.#kilobytes, key) + kilobytesOf(event)) * 1024 > keyBytesMax)
      return `restricted: the events of this key take ${keyBytesMax} bytes here, the most that one may have; delete some, or ask the operator`;
    return undefined;
  }

  /** Whether it is a deletion or a service list of somebody of whom nothing else is stored. */
  isOfStranger({ pubkey, kind }: CountedEvent): boolean {
    return unrelatedKinds.has(kind) && this.#isStranger(this.#keys.find(pubkey));
  }

  #isStranger(key: number): boolean {
    return this.#of(this.#unrelated, key) >= this.#of(this.#events, key);
  }

  #repositoryRefusal(key: number): string | undefined {
    const { keyRepositoriesMax, repositoriesMax } = this.#settings;
    if (this.#of(this.#repositories, key) >= keyRepositoriesMax)
      return `restricted: this key has ${keyRepositoriesMax} repositories here, the most that one may have; delete one, or ask the operator`;
    if (this.#allRepositories >= repositoriesMax)
      return `rate-limited: this relay has ${repositoriesMax} repositories, the most that it takes; try again later, or use another relay`;
    return undefined;
  }

  /** One who has something else stored may always delete it, with room beyond their share for that; a stranger has a few. */
  #unrelatedRefusal(key: number, kilobytes: number): string | undefined {
    const { keyEventsMax, keyBytesMax } = this.#settings;
    const unrelated = this.#of(this.#unrelated, key);
    const bytes = (this.#of(this.#kilobytes, key) + kilobytes) * 1024;
    if (!this.#isStranger(key)) {
      const isTooMuch = bytes > keyBytesMax + unrelatedBytesOf(keyBytesMax);
      if (unrelated < keyEventsMax && !isTooMuch) return undefined;
      return `rate-limited: this key has so many deletions here, the most that one may have; name several events in one, or ask the operator`;
    }
    if (reaches('strangerEventsMax', unrelated) || exceeds('strangerBytesMax', bytes))
      return 'restricted: this key has nothing here but deletions and lists, the most that a stranger may have';
    const allBytes = (this.#allUnrelatedKilobytes + kilobytes) * 1024;
    if (reaches('strangersEventsMax', this.#allUnrelated) || exceeds('strangersBytesMax', allBytes))
      return 'rate-limited: this relay has so many deletions and lists of strangers, the most that it takes; try again later';
    return undefined;
  }

  #count(key: number, event: CountedEvent, change: 1 | -1): void {
    add(this.#events, key, change);
    add(this.#kilobytes, key, change * kilobytesOf(event));
    if (unrelatedKinds.has(event.kind)) {
      add(this.#unrelated, key, change);
      this.#allUnrelated += change;
      this.#allUnrelatedKilobytes += change * kilobytesOf(event);
    } else if (event.kind === kinds.repositoryAnnouncement) {
      add(this.#repositories, key, change);
      this.#allRepositories += change;
    }
  }

  #of(column: NumberColumn, key: number): number {
    return key < 0 ? 0 : column.at(key);
  }
}

function add(column: NumberColumn, key: number, change: number): void {
  column.set(key, column.at(key) + change);
}

/** What deletions and lists may take beyond the bytes of a key: one whose share is used up has to be able to delete. */
function unrelatedBytesOf(keyBytesMax: number): number {
  return Math.max(keyBytesMax / 10, limits.unrelatedEventBytesMax);
}

function kilobytesOf({ bytes }: CountedEvent): number {
  return Math.ceil(bytes / 1024);
}
