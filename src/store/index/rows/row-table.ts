import type { KeyColumn } from './key-table.js';
import { compareKeys, keyHex, keyWords } from './key-words.js';

/**
 * What a row is. A refused row carries its reason: `refusedFirst + reason number`, those of the store itself up to
 * `refusedOwnLast`. One that is `spentDeletion` is a deletion request that has expired (NIP-40): it is in no answer, and
 * known as what is refused is, but it keeps its effect, and is never forgotten. One that is `due` has expired and is to
 * become one of these two: it is known as they are, but the log has it as stored, and it counts as neither. A dead row is in
 * no answer but still in posting lists; it becomes free when a sweep has taken it out of them.
 */
export const rowState = {
  free: 0,
  dead: 1,
  stored: 2,
  refusedFirst: 3,
  refusedOwnLast: 6,
  refusedLast: 253,
  due: 254,
  spentDeletion: 255,
} as const;

/** What a row holds; `id` and `author` stand elsewhere until it is inserted. */
export type RowValues = {
  readonly createdAt: number;
  readonly sequence: number;
  readonly kind: number;
  readonly state: number;
  /** Binary logarithm of the size of the body in bytes, rounded up. */
  readonly sizeLog: number;
  /** Number of terms under which it stands in lists, each as often as it was given. */
  readonly terms: number;
};

/** A row as it is inserted: of a new event, or out of a segment. */
export type NewRow = Omit<RowValues, 'terms'> & {
  readonly id: Uint32Array;
  readonly pubkey: Uint32Array;
  /** Stored: when it expires (NIP-40), 0 if never. Refused: when that was. Both in seconds since 1970. */
  readonly time: number;
};

/** Hash of the term of an address (NIP-01), lower and upper half; 0 and 0 where the kind of an event has none. */
export type AddressHash = readonly [lo: number, hi: number];

/** Words of such a hash. */
export const addressWords = 2;

/** A place in the order of all rows, newest first and ties by lowest id: before, or right after, such a row. */
export type TimeKey = {
  readonly createdAt: number;
  /** Absent: before all rows of that second. */
  readonly id?: Uint32Array;
  readonly after: boolean;
};

const pageBits = 14;
/** Rows of one page, a power of two. */
export const rowsPerPage = 1 << pageBits;
const pageMask = rowsPerPage - 1;

/** The columns of the rows of one page, for loops over many: a row stands at its number modulo `rowsPerPage`. */
export type RowColumns = {
  readonly createdAt: Float64Array;
  readonly author: Uint32Array;
  readonly kind: Uint16Array;
  readonly state: Uint8Array;
};

/**
 * One page of columns in one buffer, widest first so that each is aligned; 68 bytes a row:
 *
 *     | createdAt f64 | sequence f64 | id 8×u32 | address 2×u32 | author u32 | terms u32 | kind u16 | state u8 |
 *     | sizeLog u8 |
 *     (× rowsPerPage)
 */
class RowPage implements RowColumns {
  readonly buffer: ArrayBuffer;
  readonly createdAt: Float64Array;
  readonly sequence: Float64Array;
  readonly ids: Uint32Array;
  readonly addresses: Uint32Array;
  readonly author: Uint32Array;
  readonly terms: Uint32Array;
  readonly kind: Uint16Array;
  readonly state: Uint8Array;
  readonly sizeLog: Uint8Array;

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.createdAt = new Float64Array(buffer, 0, rowsPerPage);
    this.sequence = new Float64Array(buffer, 8 * rowsPerPage, rowsPerPage);
    this.ids = new Uint32Array(buffer, 16 * rowsPerPage, keyWords * rowsPerPage);
    this.addresses = new Uint32Array(buffer, 48 * rowsPerPage, addressWords * rowsPerPage);
    this.author = new Uint32Array(buffer, 56 * rowsPerPage, rowsPerPage);
    this.terms = new Uint32Array(buffer, 60 * rowsPerPage, rowsPerPage);
    this.kind = new Uint16Array(buffer, 64 * rowsPerPage, rowsPerPage);
    this.state = new Uint8Array(buffer, 66 * rowsPerPage, rowsPerPage);
    this.sizeLog = new Uint8Array(buffer, 67 * rowsPerPage, rowsPerPage);
  }
}

const rowBytes = 68;

/** The columns of all rows, in pages so that growing copies nothing. A row is known by its number, below 2^30. */
export class RowTable implements KeyColumn {
  readonly #pages: RowPage[] = [];
  /** Where the hashes of addresses stand. */
  readonly addresses: KeyColumn = {
    keyPage: (row) => this.#pages[row >>> pageBits]!.addresses,
    keyOffset: (row) => (row & pageMask) * addressWords,
  };
  #end = 0;
  #free: number[] = [];

  /** Above every row number in use. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#pages.length * rowsPerPage * rowBytes;
  }

  /** Takes a free row and fills it. */
  take(values: RowValues, id: Uint32Array, author: number, address: AddressHash): number {
    const row = this.#free.pop() ?? this.#end++;
    const pageNumber = row >>> pageBits;
    if (pageNumber === this.#pages.length)
      this.#pages.push(new RowPage(new ArrayBuffer(rowsPerPage * rowBytes)));
    const page = this.#pages[pageNumber]!;
    const at = row & pageMask;
    page.createdAt[at] = values.createdAt;
    page.sequence[at] = values.sequence;
    for (let word = 0; word < keyWords; word += 1) page.ids[at * keyWords + word] = id[word]!;
    page.addresses.set(address, at * addressWords);
    page.author[at] = author;
    page.kind[at] = values.kind;
    page.state[at] = values.state;
    page.sizeLog[at] = values.sizeLog;
    page.terms[at] = values.terms;
    return row;
  }

  /** Gives a row back that no list refers to any more. */
  free(row: number): void {
    this.setState(row, rowState.free);
    this.#free.push(row);
  }

  /** The columns of the page that has the row. */
  columnsOf(row: number): RowColumns {
    return this.#pages[row >>> pageBits]!;
  }

  createdAt(row: number): number {
    return this.#pages[row >>> pageBits]!.createdAt[row & pageMask]!;
  }

  sequence(row: number): number {
    return this.#pages[row >>> pageBits]!.sequence[row & pageMask]!;
  }

  author(row: number): number {
    return this.#pages[row >>> pageBits]!.author[row & pageMask]!;
  }

  kind(row: number): number {
    return this.#pages[row >>> pageBits]!.kind[row & pageMask]!;
  }

  state(row: number): number {
    return this.#pages[row >>> pageBits]!.state[row & pageMask]!;
  }

  setState(row: number, state: number): void {
    this.#pages[row >>> pageBits]!.state[row & pageMask] = state;
  }

  sizeLog(row: number): number {
    return this.#pages[row >>> pageBits]!.sizeLog[row & pageMask]!;
  }

  /** How many terms a row has; those that are the same count each. */
  terms(row: number): number {
    return this.#pages[row >>> pageBits]!.terms[row & pageMask]!;
  }

  address(row: number): AddressHash {
    const addresses = this.addresses.keyPage(row);
    const at = this.addresses.keyOffset(row);
    return [addresses[at]!, addresses[at + 1]!];
  }

  idHex(row: number): string {
    return keyHex(this.keyPage(row), this.keyOffset(row));
  }

  keyPage(row: number): Uint32Array {
    return this.#pages[row >>> pageBits]!.ids;
  }

  keyOffset(row: number): number {
    return (row & pageMask) * keyWords;
  }

  /** Negative when row `a` comes before row `b`: newest first, ties by lowest id. */
  compare(a: number, b: number): number {
    const aTime = this.createdAt(a);
    const bTime = this.createdAt(b);
    if (aTime !== bTime) return aTime > bTime ? -1 : 1;
    if (a === b) return 0;
    return compareKeys(this.keyPage(a), this.keyOffset(a), this.keyPage(b), this.keyOffset(b));
  }

  /** Whether the row stands behind the place `key`. */
  isBehind(row: number, key: TimeKey): boolean {
    const time = this.createdAt(row);
    if (time !== key.createdAt) return time < key.createdAt;
    if (key.id === undefined) return true;
    const order = compareKeys(this.keyPage(row), this.keyOffset(row), key.id, 0);
    return key.after ? order > 0 : order >= 0;
  }

  /** The place of a row, as a copy that outlives it. */
  keyOf(row: number, after: boolean): TimeKey {
    const offset = this.keyOffset(row);
    return { createdAt: this.createdAt(row), id: this.keyPage(row).slice(offset, offset + keyWords), after };
  }

  /** The memory of all rows, to be written to a snapshot and given to `restore`. */
  dump(): { end: number; free: Uint32Array; pages: Uint8Array[] } {
    return {
      end: this.#end,
      free: Uint32Array.from(this.#free),
      pages: this.#pages.map((page) => new Uint8Array(page.buffer)),
    };
  }

  restore(end: number, free: Uint32Array, pages: readonly ArrayBuffer[]): void {
    this.#end = end;
    this.#free = Array.from(free);
    for (const buffer of pages) this.#pages.push(new RowPage(buffer));
  }
}
