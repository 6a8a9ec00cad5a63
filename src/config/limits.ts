/**
 * Every fixed limit of the daemon, in one place, with its unit in its name. `docs/limits.md` is generated from this
 * file: the comment of an entry is its description. Limits that the operator may change are options (`options.ts`).
 */
export const limits = {
  // Events and filters
  /** Most tags of one event. */
  eventTagsMax: 200_000,
  /** Most values in one list of a filter. */
  filterListItemsMax: 5_000,
  /** Most filters in one REQ, COUNT or NEG-OPEN. */
  requestFiltersMax: 20,
  /** Most characters of a subscription id. */
  subscriptionIdCharsMax: 250,

  // Kernels
  /** Most bytes of the linear memory of the kernels; work that needs more is refused. */
  kernelBytesMax: 1_073_741_824,

  // Negentropy (NIP-77)
  /** Least frame limit that reconciliation works with. */
  negentropyFrameBytesMin: 4_096,
  /** Longest negentropy message that is read, in bytes (its hex has twice as many characters). */
  negentropyMessageBytesMax: 1_100_000,
  /** Rounds of one exchange that are allowed before the first id is learned; each learned id allows one more. */
  negentropyRoundsBase: 512,
  /** Rounds in a row in which a peer may answer nothing of what it was asked. */
  negentropyStalledRoundsMax: 3,
  /** Most ranges of one exchange that wait to be asked about. */
  negentropyOpenRangesMax: 262_144,

  // Admission
  /** Bytes of events that wait for verification in one lane, above which its producers wait. */
  verificationLaneBytesHigh: 16_777_216,
  /** Bytes of a lane below which its producers go on. */
  verificationLaneBytesLow: 8_388_608,
  /** Most events that wait in one lane before its producers wait. */
  verificationLaneEventsMax: 16_384,
  /** Most events of one batch for a verification worker. */
  verificationBatchEventsMax: 64,
  /** Bytes of events above which a batch for a verification worker takes no more. */
  verificationBatchBytesMax: 524_288,
  /** Most bytes of refused events that are kept at hand, to be tried again. */
  hotCacheBytesMax: 33_554_432,
  /** Most refused events that one accepted event brings back for another try. */
  revivedIdsMax: 10_000,
} as const;
