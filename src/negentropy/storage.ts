/**
 * What reconciliation needs of a set: the storage port of NIP-77. A sealed `RecordSet` of the kernels satisfies it.
 * Items are sorted by (timestamp, id); indexes run from 0 to `size`; ranges are half open. It must not change while
 * a message is answered and, for a client, which remembers indexes, while an exchange runs.
 */
export type NegentropyStorage = {
  readonly size: number;
  timestampAt(index: number): bigint;
  /** The 32 bytes of the id; the caller must not change them. */
  idAt(index: number): Uint8Array;
  /** Copies the ids of the items [begin, end) one after another into `target` at `offset`. */
  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void;
  /**
   * The first index whose item is not below the bound (timestamp, idPrefix); a prefix has 0–32 bytes. `near`, an index,
   * says where it may be quick to begin; it makes no difference to the answer.
   */
  lowerBound(timestamp: bigint, idPrefix: Uint8Array, near?: number): number;
  /** The 16-byte fingerprint of the items [begin, end). */
  fingerprint(begin: number, end: number): Uint8Array;
  /** The fingerprints of many ranges: `ranges` holds begin and end of each, `target` has room for its 16 bytes. */
  fingerprints(ranges: Uint32Array, target: Uint8Array): void;
};
