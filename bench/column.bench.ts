import type { NostrEvent } from 'nostr-tools/core';
import { type Filter, matchFilter } from 'nostr-tools/filter';
import type { KernelEvent, KernelFilter, Kernels } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference.js';
import { createWasmKernels } from '../src/kernels/wasm.js';
import { type Random, randomInteger, seededRandom } from '../src/lib/random.js';
import { randomHex32 } from './data.js';
import { streamingRead } from './floors.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

/** Bytes that a row and its tags take, about: what has to be read. */
const rowBytes = 40;

/** One filter against all events of a column. */
export const columnTopic: Topic = {
  name: 'column',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10_000, 100_000, 1_000_000] : [2_000]) {
      const random = seededRandom(n);
      const events = randomEvents(random, n);
      const columns = {
        wasm: fill(createWasmKernels(), events),
        reference: fill(createReferenceKernels(), events),
      };
      const pick = () => events[randomInteger(random, n)]!;
      const filters: readonly [string, KernelFilter][] = [
        ['two kinds and a time', { kinds: [1621, 1617], since: 1_705_000_000, until: 1_705_500_000 }],
        ['a hundred authors', { authors: Array.from({ length: 100 }, () => pick().pubkey), kinds: [1621] }],
        ['a hundred tag values', { '#e': Array.from({ length: 100 }, () => pick().tags[0]![1]!) }],
      ];
      for (const [name, filter] of filters) yield selectWork(name, filter, events, columns);
    }
  },
};

type Columns = { readonly wasm: ReturnType<typeof fill>; readonly reference: ReturnType<typeof fill> };

function randomEvents(random: Random, n: number): KernelEvent[] {
  const people = Array.from({ length: Math.max(10, n / 50) }, () => randomHex32(random));
  const roots = Array.from({ length: Math.max(10, n / 5) }, () => randomHex32(random));
  const from = (list: readonly string[]): string => list[randomInteger(random, list.length)]!;
  const kinds = [1617, 1618, 1621, 1622, 1630, 1631, 1632, 30617, 30618, 1111];
  return Array.from({ length: n }, () => ({
    id: randomHex32(random),
    pubkey: from(people),
    kind: kinds[randomInteger(random, kinds.length)]!,
    created_at: 1_700_000_000 + randomInteger(random, 1e7),
    tags: [
      ['e', from(roots)],
      ['p', from(people)],
      ['a', `30617:${from(people)}:x`],
      ['t', randomInteger(random, 50).toString()],
    ],
  }));
}

function fill(kernels: Kernels, events: readonly KernelEvent[]) {
  const column = kernels.createEventColumn();
  for (const event of events) column.add(event);
  return column;
}

function selectWork(
  name: string,
  filter: KernelFilter,
  events: readonly KernelEvent[],
  { wasm, reference }: Columns,
): Work {
  const rival = () => events.filter((event) => matchFilter(filter as Filter, event as NostrEvent));
  return {
    name,
    n: events.length,
    contenders: [
      contender({ name: 'wasm', role: 'candidate', run: () => wasm.select(filter) }),
      contender({ name: 'typescript', role: 'reference', slow: true, run: () => reference.select(filter) }),
      contender({ name: 'nostr-tools', role: 'rival', slow: true, run: rival }),
      streamingRead(events.length * rowBytes),
    ],
  };
}
