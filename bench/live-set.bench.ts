import { type LiveSet, recordBytes } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../src/kernels/wasm/kernels.js';
import { randomInteger, seededRandom } from '../src/lib/random.js';
import { plainRecords, randomRecordBytes } from './data.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

/** Records that come and go while the set stands. */
const changes: Readonly<Record<Scale, number>> = { full: 10_000, small: 1_000 };
/** Random places that one run asks about, the same in each. */
const placesAsked = 64;
/** Above this many records the reference takes too long. */
const referenceRecordsMax = 100_000;

/** Sets that are kept up to date: what a change costs, and what a question costs. */
export const liveSetTopic: Topic = {
  name: 'live-set',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10_000, 100_000, 1_000_000, 10_000_000] : [2_000]) {
      const bytes = randomRecordBytes(n);
      using set = toLiveSet(createWasmKernels({ bytesMax: 2 ** 31 }), bytes);
      using reference = n <= referenceRecordsMax ? toLiveSet(createReferenceKernels(), bytes) : undefined;
      const sets = { set, reference };
      yield changeWork(n, changes[scale], sets);
      yield questionWork('fingerprint of a random range', n, sets, (each, begin, end) =>
        each.fingerprint(Math.min(begin, end), Math.max(begin, end)),
      );
      yield questionWork('record by index', n, sets, (each, begin) => each.idAt(begin));
    }
  },
};

type Sets = { readonly set: LiveSet; readonly reference: LiveSet | undefined };

function toLiveSet(kernels: ReturnType<typeof createWasmKernels>, bytes: Uint8Array): LiveSet {
  const builder = kernels.createRecordSet();
  builder.append(bytes.length / recordBytes).set(bytes);
  return builder.toLiveSet();
}

/** Records that are new to the set go in at random places and out again; the time is for one change. */
function changeWork(n: number, changes: number, { set, reference }: Sets): Work {
  const others = plainRecords(randomRecordBytes(changes, 2)).map(({ timestamp, id }) => ({
    timestamp,
    id: new Uint8Array(Buffer.from(id, 'hex')),
  }));
  const change = (each: LiveSet) => () => {
    for (const { timestamp, id } of others) each.insert(timestamp, id);
    for (const { timestamp, id } of others) each.delete(timestamp, id);
  };
  const contenders = [contender({ name: 'wasm', role: 'candidate', run: change(set) })];
  if (reference) {
    contenders.push(contender({ name: 'typescript', role: 'reference', slow: true, run: change(reference) }));
  }
  return { name: 'insert or delete at a random place', n, units: 2 * changes, contenders };
}

function questionWork(
  name: string,
  n: number,
  { set, reference }: Sets,
  ask: (set: LiveSet, begin: number, end: number) => unknown,
): Work {
  const random = seededRandom(3);
  const places = Array.from(
    { length: placesAsked },
    () => [randomInteger(random, n), randomInteger(random, n)] as const,
  );
  const run = (each: LiveSet) => () => places.map(([begin, end]) => ask(each, begin, end));
  const contenders = [contender({ name: 'wasm', role: 'candidate', run: run(set) })];
  if (reference) {
    contenders.push(contender({ name: 'typescript', role: 'reference', slow: true, run: run(reference) }));
  }
  return { name, n, units: placesAsked, contenders };
}
