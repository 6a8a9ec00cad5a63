/*
 * Matching an event against many filters. Everything that filters ask for is a symbol, a number; an event is the
 * list of those of its symbols that some filter asks for. Every filter hangs on the symbols of one of its
 * conditions, so the filters that can match are those found by the event's symbols; each is then checked exactly, once.
 */
import {
  FILTER_CHECKED,
  FILTER_CLAUSES,
  FILTER_HANDLE,
  FILTER_HEADER_BYTES,
  FILTER_NODES,
  FILTER_SINCE,
  FILTER_UNTIL,
  NODE_BYTES,
  NODE_FILTER,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_SYMBOL,
  SYMBOL_BYTES,
  SYMBOL_FIRST,
  SYMBOL_MARKED,
} from './layout';

/** Clauses up to this many times the event's symbols are checked symbol by symbol, longer ones by binary search. */
const SCAN_FACTOR: u32 = 4;

/** What a filter is found to be for the event that is matched. */
const UNCHECKED: u32 = 0;
const FAILS: u32 = 1;
const MATCHES: u32 = 2;

/** Hangs the filter on the symbols of its nodes. */
export function linkFilter(filter: usize, symbols: usize): void {
  const end = filter + FILTER_HEADER_BYTES + <usize>load<u32>(filter, FILTER_NODES) * NODE_BYTES;
  for (let node = filter + FILTER_HEADER_BYTES; node < end; node += NODE_BYTES) {
    const symbol = symbols + <usize>load<u32>(node, NODE_SYMBOL) * SYMBOL_BYTES;
    const next = <usize>load<u32>(symbol, SYMBOL_FIRST);
    store<u32>(node, <u32>next, NODE_NEXT);
    store<u32>(node, 0, NODE_PREVIOUS);
    store<u32>(node, <u32>filter, NODE_FILTER);
    if (next != 0) store<u32>(next, <u32>node, NODE_PREVIOUS);
    store<u32>(symbol, <u32>node, SYMBOL_FIRST);
  }
}

/** Takes the filter off the symbols of its nodes. */
export function unlinkFilter(filter: usize, symbols: usize): void {
  const end = filter + FILTER_HEADER_BYTES + <usize>load<u32>(filter, FILTER_NODES) * NODE_BYTES;
  for (let node = filter + FILTER_HEADER_BYTES; node < end; node += NODE_BYTES) {
    const next = <usize>load<u32>(node, NODE_NEXT);
    const previous = <usize>load<u32>(node, NODE_PREVIOUS);
    if (next != 0) store<u32>(next, <u32>previous, NODE_PREVIOUS);
    if (previous != 0) store<u32>(previous, <u32>next, NODE_NEXT);
    else store<u32>(symbols + <usize>load<u32>(node, NODE_SYMBOL) * SYMBOL_BYTES, <u32>next, SYMBOL_FIRST);
  }
}

/** Whether the ascending list holds the symbol. */
function holds(list: usize, count: u32, symbol: u32): bool {
  let low: u32 = 0;
  let left = count;
  while (left > 0) {
    const half = left >> 1;
    if (load<u32>(list + (<usize>(low + half) << 2)) < symbol) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low < count && load<u32>(list + (<usize>low << 2)) == symbol;
}

/** Whether the event has any symbol of the clause. */
function clauseHolds(list: usize, count: u32, event: usize, eventCount: u32, symbols: usize): bool {
  if (count <= eventCount * SCAN_FACTOR) {
    const end = list + (<usize>count << 2);
    for (let at = list; at < end; at += 4) {
      if (load<u32>(symbols + <usize>load<u32>(at) * SYMBOL_BYTES, SYMBOL_MARKED) != 0) return true;
    }
    return false;
  }
  const end = event + (<usize>eventCount << 2);
  for (let at = event; at < end; at += 4) {
    if (holds(list, count, load<u32>(at))) return true;
  }
  return false;
}

function filterMatches(filter: usize, event: usize, eventCount: u32, createdAt: f64, symbols: usize): bool {
  // Written as refusals, so that a time that is no number is not refused, as in any other implementation.
  if (createdAt < load<f64>(filter, FILTER_SINCE)) return false;
  if (createdAt > load<f64>(filter, FILTER_UNTIL)) return false;
  let clause = filter + FILTER_HEADER_BYTES + <usize>load<u32>(filter, FILTER_NODES) * NODE_BYTES;
  for (let left = load<u32>(filter, FILTER_CLAUSES); left > 0; left--) {
    const count = load<u32>(clause);
    if (!clauseHolds(clause + 4, count, event, eventCount, symbols)) return false;
    clause += 4 + (<usize>count << 2);
  }
  return true;
}

/** Marks the event's symbols and drops those that it has twice; gives the count that is left. */
function markSymbols(event: usize, count: u32, symbols: usize): u32 {
  let to = event;
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(event + (<usize>i << 2));
    const symbol = symbols + <usize>number * SYMBOL_BYTES;
    if (load<u32>(symbol, SYMBOL_MARKED) != 0) continue;
    store<u32>(symbol, 1, SYMBOL_MARKED);
    store<u32>(to, number);
    to += 4;
  }
  return <u32>((to - event) >> 2);
}

/**
 * Writes the filters that hang on the event's symbols to `out`, each once however many of its symbols the event has, and whether
 * they match; gives the end of that list.
 */
function checkFilters(symbols: usize, event: usize, count: u32, createdAt: f64, out: usize): usize {
  const eventEnd = event + (<usize>count << 2);
  let to = out;
  for (let at = event; at < eventEnd; at += 4) {
    let node = <usize>load<u32>(symbols + <usize>load<u32>(at) * SYMBOL_BYTES, SYMBOL_FIRST);
    for (; node != 0; node = <usize>load<u32>(node, NODE_NEXT)) {
      const filter = <usize>load<u32>(node, NODE_FILTER);
      if (load<u32>(filter, FILTER_CHECKED) != UNCHECKED) continue;
      const matches = filterMatches(filter, event, count, createdAt, symbols);
      store<u32>(filter, matches ? MATCHES : FAILS, FILTER_CHECKED);
      store<u32>(to, <u32>filter);
      to += 4;
    }
  }
  return to;
}

/**
 * Writes the handles of the filters that match the event to `out`, and gives their count. `event` holds `count`
 * symbols, symbol 0 among them; `out` has room for as many handles as there are filters.
 */
export function matchEvent(symbols: usize, event: usize, count: u32, createdAt: f64, out: usize): u32 {
  const distinct = markSymbols(event, count, symbols);
  const checkedEnd = checkFilters(symbols, event, distinct, createdAt, out);
  const eventEnd = event + (<usize>distinct << 2);
  for (let at = event; at < eventEnd; at += 4) {
    store<u32>(symbols + <usize>load<u32>(at) * SYMBOL_BYTES, 0, SYMBOL_MARKED);
  }
  let to = out;
  for (let at = out; at < checkedEnd; at += 4) {
    const filter = <usize>load<u32>(at);
    if (load<u32>(filter, FILTER_CHECKED) == MATCHES) {
      store<u32>(to, load<u32>(filter, FILTER_HANDLE));
      to += 4;
    }
    store<u32>(filter, UNCHECKED, FILTER_CHECKED);
  }
  return <u32>((to - out) >> 2);
}
