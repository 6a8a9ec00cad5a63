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
} as const;
