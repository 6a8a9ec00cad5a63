import { type Address, addressOf } from '../../nostr/address.js';
import { deletionTargets, isDeletion } from '../../nostr/deletion.js';
import { isIndexedTag, type NostrEvent } from '../../nostr/event.js';
import { isAddressableKind, isReplaceableKind } from '../../nostr/kinds.js';
import type { AddressHash } from './rows/row-table.js';
import type { TermHasher } from './rows/term-hash.js';

/** The first byte of what is hashed: the sort of a term; the bytes above it carry a kind or a tag letter. */
const sort = {
  author: 1,
  kind: 2,
  authorKind: 3,
  address: 4,
  deletedId: 5,
  deletedAddress: 6,
  tag: 7,
} as const;

/**
 * The tags by whose values refused events are looked for: by the filters of sync, and by those for what may be acceptable
 * now. Nothing asks for refused events by others.
 */
const refusedTagNames: ReadonlySet<string> = new Set(['a', 'A', 'd', 'e', 'E', 'q']);

/** Where the address stands among the terms of an event that has one. */
const addressAt = 3;
const noAddress: AddressHash = [0, 0];

/** Hashes of terms, two words each (lower and upper half), in one array that is used again and again. */
export class TermList {
  words = new Uint32Array(64);
  /** Number of terms. */
  count = 0;
  readonly #hasher: TermHasher;

  constructor(hasher: TermHasher) {
    this.#hasher = hasher;
  }

  clear(): void {
    this.count = 0;
  }

  author(pubkey: string): void {
    this.#add(sort.author, pubkey);
  }

  kind(kind: number): void {
    this.#add(sort.kind | (kind << 8), '');
  }

  authorKind(pubkey: string, kind: number): void {
    this.#add(sort.authorKind | (kind << 8), pubkey);
  }

  /** Where the events of a replaceable or addressable event stand. */
  address({ kind, pubkey, identifier }: Address): void {
    this.#add(sort.address | (kind << 8), pubkey + identifier);
  }

  /** A deletion request of that author for that event. */
  deletedId(pubkey: string, id: string): void {
    this.#add(sort.deletedId, pubkey + id);
  }

  /** A deletion request for an address, of its author. */
  deletedAddress({ kind, pubkey, identifier }: Address): void {
    this.#add(sort.deletedAddress | (kind << 8), pubkey + identifier);
  }

  /** The second element of a single-letter tag. */
  tag(letter: string, value: string): void {
    this.#add(sort.tag | (letter.charCodeAt(0) << 8), value);
  }

  /** Takes `count` terms as they stand in a segment. */
  set(words: Uint32Array, offset: number, count: number): void {
    this.#room(count);
    this.words.set(words.subarray(offset, offset + count * 2));
    this.count = count;
  }

  /** The hash of the address among the terms of an event of that kind; 0 and 0 where it has none. */
  addressOf(kind: number): AddressHash {
    const hasAddress = (isReplaceableKind(kind) || isAddressableKind(kind)) && this.count > addressAt;
    return hasAddress ? [this.words[addressAt * 2]!, this.words[addressAt * 2 + 1]!] : noAddress;
  }

  /** All terms under which an event is found. The same term may come twice. */
  setEvent(event: NostrEvent): void {
    this.#setPlace(event);
    for (const tag of event.tags) if (isIndexedTag(tag)) this.tag(tag[0], tag[1]);
    if (!isDeletion(event)) return;
    const { ids, addresses } = deletionTargets(event);
    for (const id of ids) this.deletedId(event.pubkey, id);
    for (const target of addresses) this.deletedAddress(target);
  }

  /** The terms under which a refused event is looked for, at most `termsMax`: of its tags the first. */
  setRefused(event: NostrEvent, termsMax: number): void {
    this.#setPlace(event);
    for (const [name, value] of event.tags) {
      if (this.count >= termsMax) return;
      if (name !== undefined && value !== undefined && refusedTagNames.has(name)) this.tag(name, value);
    }
  }

  /** The terms that are known of a row without its event: all but those of tags and deletions. */
  setRow(row: Pick<NostrEvent, 'pubkey' | 'kind'>, [lo, hi]: AddressHash): void {
    this.#setOwn(row);
    if (lo !== 0 || hi !== 0) this.#push(lo, hi);
  }

  /** Those that come first: what the event is, and where it stands. */
  #setPlace(event: NostrEvent): void {
    this.#setOwn(event);
    const address = addressOf(event);
    if (address !== undefined) this.address(address);
  }

  #setOwn({ pubkey, kind }: Pick<NostrEvent, 'pubkey' | 'kind'>): void {
    this.clear();
    this.author(pubkey);
    this.kind(kind);
    this.authorKind(pubkey, kind);
  }

  #add(type: number, text: string): void {
    this.#hasher.hash(type, text);
    this.#push(this.#hasher.lo, this.#hasher.hi);
  }

  #push(lo: number, hi: number): void {
    this.#room(this.count + 1);
    this.words[this.count * 2] = lo;
    this.words[this.count * 2 + 1] = hi;
    this.count += 1;
  }

  #room(count: number): void {
    if (count * 2 <= this.words.length) return;
    const words = new Uint32Array(count * 4);
    words.set(this.words);
    this.words = words;
  }
}
