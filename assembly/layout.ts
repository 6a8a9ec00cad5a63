/*
 * Every offset and size of what the kernels keep in linear memory. All numbers are little-endian, all pointers are
 * byte addresses, and nothing here allocates: the caller owns the memory and says where things stand.
 */

/*
 * Record: one item of a set, ordered by (createdAt, id).
 *
 *   0        8                                      40
 *   ├────────┼──────────────────────────────────────┤
 *   │ u64    │ 32 bytes, compared as a byte string,  │
 *   │ created│ summed as a little-endian number      │
 *   └────────┴──────────────────────────────────────┘
 */
export const RECORD_BYTES: usize = 40;
export const RECORD_ID: usize = 8;
export const ID_BYTES: usize = 32;
/** Words of 8 bytes in a record: the timestamp, then four of the id. */
export const RECORD_WORDS: i32 = 5;

/*
 * Sums: one 256-bit number for every SUM_STRIDE records and one for the start; sum k is the sum of the ids of the
 * records [0, k · SUM_STRIDE) mod 2^256. A range then costs at most SUM_STRIDE additions and one subtraction.
 *
 *   ├ sum 0 = 0 ┼ sum 1 ┼ sum 2 ┼ … ┼ sum ⌊n / SUM_STRIDE⌋ ┤      32 bytes each
 */
export const SUM_STRIDE_LOG2: u32 = 3;
export const SUM_STRIDE: u32 = 1 << SUM_STRIDE_LOG2;
export const SUM_BYTES: usize = 32;

export const FINGERPRINT_BYTES: usize = 16;

/*
 * Ranges of which many fingerprints are asked for at once:
 *
 *   ├ begin u32 │ end u32 ┼ begin │ end ┼ …          8 bytes each
 *
 * The fingerprints stand one after another. They are made four at a time, the last of them too, so behind the last
 * fingerprint there is room for three more.
 */
export const RANGE_BYTES: usize = 8;
export const RANGE_END: usize = 4;
export const HASH_LANES: u32 = 4;

/*
 * Sort scratch: for each level of the recursion the heads and the ends of its buckets, u32 pointers. A chain of
 * levels consumes at most 320 bits of the record, at most DIGIT_BITS_MAX a level, so it never needs more than
 * ⌈320 / DIGIT_BITS_MAX⌉ + 5 levels of full width.
 *
 *   ├ level 0: heads[2^b] │ ends[2^b] ┼ level 1: heads │ ends ┼ …
 */
export const DIGIT_BITS_MAX: u32 = 11;
export const SORT_SCRATCH_BYTES: usize = (320 / DIGIT_BITS_MAX + 6) * ((1 << DIGIT_BITS_MAX) * 8);
/** Ranges up to this many records are sorted by insertion. */
export const INSERTION_RECORDS_MAX: u32 = 8;

/*
 * Symbol: a value that some filter asks for (an id, an author, a kind, a tag value), by its number.
 *
 *   0        4        8
 *   ├────────┼────────┤
 *   │ first  │ marked │   first: the first node of the filters that are found by this symbol, or 0
 *   └────────┴────────┘   marked: 1 while an event that has this symbol is being matched
 *
 * Symbol 0 is what every event has; filters that name no value are found by it.
 */
export const SYMBOL_BYTES: usize = 8;
export const SYMBOL_FIRST: usize = 0;
export const SYMBOL_MARKED: usize = 4;

/*
 * Filter: found by any of its nodes' symbols (one condition of the filter, the most selective), then checked.
 *
 *   0        4        8        12       16       24       32
 *   ├────────┼────────┼────────┼────────┼────────┼────────┤
 *   │ handle │ checked│ nodes  │ clauses│ since  │ until  │   u32 u32 u32 u32 f64 f64
 *   ├────────┴────────┴────────┴────────┴────────┴────────┤
 *   │ node: next u32 │ previous u32 │ symbol u32 │ filter  │ × nodes       pointers to nodes, or 0
 *   ├──────────────────────────────────────────────────────┤
 *   │ clause: count u32 │ symbol u32 × count, ascending    │ × clauses     any of them must be marked
 *   └──────────────────────────────────────────────────────┘
 *
 * checked: whether it matches the event that is being matched, so that it is checked once; 0 before and after.
 */
export const FILTER_HANDLE: usize = 0;
export const FILTER_CHECKED: usize = 4;
export const FILTER_NODES: usize = 8;
export const FILTER_CLAUSES: usize = 12;
export const FILTER_SINCE: usize = 16;
export const FILTER_UNTIL: usize = 24;
export const FILTER_HEADER_BYTES: usize = 32;
export const NODE_NEXT: usize = 0;
export const NODE_PREVIOUS: usize = 4;
export const NODE_SYMBOL: usize = 8;
export const NODE_FILTER: usize = 12;
export const NODE_BYTES: usize = 16;

/*
 * Live set: a B+ tree of records with the count and the sum of every subtree. All nodes have one size.
 *
 * Tree                                            Node
 *   0        4        8        12       16          0        4                 64
 *   ├────────┼────────┼────────┼────────┤           ├────────┼────────┼ … ─────┼─────────┤
 *   │ root   │ size   │ free   │ spares │           │ entries│ level  │        │ entries │
 *   └────────┴────────┴────────┴────────┘           └────────┴────────┴ … ─────┴─────────┘
 *
 * free: the first of the nodes that are not in use, linked through their first word; spares: how many they are.
 * level: 0 in a leaf, whose entries are records; else the height above the leaves. The entries of an inner node
 * stand in columns, so that a walk reads only what it needs:
 *
 *   64                      1344                      2368                               2624
 *   ├───────────────────────┼─────────────────────────┼──────────────────────────────────┤
 *   │ keys: records × 32    │ sums: 256 bits × 32     │ links: child u32 │ count u32 × 32│
 *   └───────────────────────┴─────────────────────────┴──────────────────────────────────┘
 *
 * Nothing before its key is in a child. The first key of a node means nothing: what is smaller than all other keys
 * is in that child.
 */
export const TREE_ROOT: usize = 0;
export const TREE_SIZE: usize = 4;
export const TREE_FREE: usize = 8;
export const TREE_SPARES: usize = 12;
export const TREE_BYTES: usize = 16;
export const TREE_NODE_ENTRIES: usize = 0;
export const TREE_NODE_LEVEL: usize = 4;
export const LEAF_RECORDS: usize = 64;
export const LEAF_ENTRIES_MAX: u32 = 64;
export const INNER_ENTRIES_MAX: u32 = 32;
export const INNER_KEYS: usize = 64;
export const INNER_SUMS: usize = INNER_KEYS + <usize>INNER_ENTRIES_MAX * RECORD_BYTES;
export const INNER_LINKS: usize = INNER_SUMS + <usize>INNER_ENTRIES_MAX * SUM_BYTES;
export const LINK_COUNT: usize = 4;
export const LINK_BYTES: usize = 8;
export const TREE_NODE_BYTES: usize = INNER_LINKS + <usize>INNER_ENTRIES_MAX * LINK_BYTES;
