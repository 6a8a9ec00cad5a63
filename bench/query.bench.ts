import type { NostrEvent } from 'nostr-tools/core';
import { matchFilter, type Filter as RivalFilter } from 'nostr-tools/filter';
import { createWasmKernels } from '../src/kernels/wasm/kernels.js';
import { systemClock } from '../src/lib/clock.js';
import { type Random, randomInteger, seededRandom } from '../src/lib/random.js';
import type { Filter } from '../src/nostr/filter.js';
import { compileFilters } from '../src/nostr/filter-match.js';
import type { Backend } from '../src/store/backend.js';
import type { EventStore } from '../src/store/event-store.js';
import { EventIndex } from '../src/store/index/event-index.js';
import { MemoryJournal } from '../src/store/journal.js';
import { assembleStore } from '../src/store/opened-store.js';
import { Reasons } from '../src/store/refused/reasons.js';
import { randomHex32 } from './data.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

/** Above this many events the rivals, which need them all as objects, take too much memory. */
const rivalEventsMax = 100_000;

/** One filter against all events of a store: what COUNT, NEG-OPEN and a wide REQ ask. */
export const queryTopic: Topic = {
  name: 'query',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10_000, 100_000, 1_000_000] : [20_000]) {
      const store = createStore();
      const events = n <= rivalEventsMax ? [] : undefined;
      const named = fill(store, n, events);
      for (const [name, filter] of questions(n, named)) yield countWork({ name, filter, store, n, events });
      yield collectWork(store, n);
    }
  },
};

/** A store that keeps no bodies: the index alone answers which events match. */
function createStore(): EventStore {
  const done = Promise.resolve();
  const backend: Backend = {
    journal: new MemoryJournal(),
    pendingEvents: 0,
    logRecords: 0,
    isStopped: false,
    check() {},
    added() {},
    changed() {},
    written: () => done,
    unwritten: () => undefined,
    writtenRow: () => done,
    read: async (sequences) => sequences.map(() => 'missing' as const),
    close: () => done,
  };
  const index = new EventIndex(new Uint8Array(8));
  const parts = { index, backend, reasons: new Reasons(), clock: systemClock };
  return assembleStore(parts, { clock: systemClock, keepsFaulty: true }).store;
}

/** The values of which the events have some. */
type Named = { readonly people: readonly string[]; readonly roots: readonly string[] };

/** Half of the events are of this kind. */
const commonKind = 1111;
const otherKinds = [1617, 1618, 1621, 1622, 1630, 1631, 1632, 7, 9735];
const firstSecond = 1_700_000_000;
/** Over which the events are spread. */
const spreadSeconds = 10_000_000;

function fill(store: EventStore, n: number, keep: NostrEvent[] | undefined): Named {
  const random = seededRandom(n);
  const named = { people: severalHex(random, n / 50), roots: severalHex(random, n / 5) };
  for (let i = 0; i < n; i += 1) {
    const event = randomEvent(random, named);
    store.put(event);
    keep?.push(event);
  }
  return named;
}

const severalHex = (random: Random, count: number): string[] =>
  Array.from({ length: Math.max(10, count) }, () => randomHex32(random));

const pick = <T>(random: Random, list: readonly T[]): T => list[randomInteger(random, list.length)]!;

function randomEvent(random: Random, { people, roots }: Named): NostrEvent {
  return {
    id: randomHex32(random),
    pubkey: pick(random, people),
    kind: random.next() < 0.5 ? commonKind : pick(random, otherKinds),
    created_at: firstSecond + randomInteger(random, spreadSeconds),
    tags: [
      ['e', pick(random, roots)],
      ['p', pick(random, people)],
      ['a', `30617:${pick(random, people)}:x`],
      ['t', randomInteger(random, 50).toString()],
    ],
    content: '',
    sig: '',
  };
}

/** A quarter of the time over which the events are spread. */
const quarter = { since: firstSecond + spreadSeconds / 2, until: firstSecond + (spreadSeconds * 3) / 4 };

function questions(n: number, { people, roots }: Named): [string, Filter][] {
  const random = seededRandom(n + 1);
  const hundred = (list: readonly string[]): string[] =>
    Array.from({ length: 100 }, () => pick(random, list));
  return [
    [
      'two kinds in a twentieth of the time',
      { kinds: [1621, 1617], since: firstSecond, until: firstSecond + spreadSeconds / 20 },
    ],
    ['a hundred authors and a kind', { authors: hundred(people), kinds: [commonKind] }],
    ['a hundred tag values', { '#e': hundred(roots) }],
    ['a tag that a fiftieth has, and a kind that half have', { '#t': ['7'], kinds: [commonKind] }],
    ['a kind that half have, in a quarter of the time', { kinds: [commonKind], ...quarter }],
    ['a kind that half have', { kinds: [commonKind] }],
    ['a quarter of the time', quarter],
  ];
}

type Question = {
  readonly name: string;
  readonly filter: Filter;
  readonly store: EventStore;
  readonly n: number;
  readonly events: readonly NostrEvent[] | undefined;
};

function countWork({ name, filter, store, n, events }: Question): Work {
  const contenders = [contender({ name: 'index', role: 'candidate', run: () => store.count([filter]) })];
  if (events !== undefined) {
    const reference = () => events.filter(compileFilters([filter])).length;
    const rival = () => events.filter((event) => matchFilter(filter as RivalFilter, event)).length;
    contenders.push(
      contender({ name: 'typescript', role: 'reference', slow: true, run: reference }),
      contender({ name: 'nostr-tools', role: 'rival', slow: true, run: rival }),
    );
  }
  return { name: `count ${name}`, n, contenders };
}

/** What NEG-OPEN does with half of all events: find, sort, sum. */
function collectWork(store: EventStore, n: number): Work {
  const kernels = createWasmKernels();
  const run = () => {
    const builder = kernels.createRecordSet();
    store.collect({ kinds: [commonKind] }, builder);
    using set = builder.seal();
    return set.size;
  };
  return {
    name: 'seal a kind that half have',
    n,
    contenders: [contender({ name: 'index', role: 'candidate', run })],
  };
}
