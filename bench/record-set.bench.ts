import { nip77 } from 'nostr-tools';
import { fingerprintBytes, type Kernels, type RecordSet, recordBytes } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference/kernels.js';
import { Arena } from '../src/kernels/wasm/arena.js';
import { createWasmKernels } from '../src/kernels/wasm/kernels.js';
import { instantiateKernels } from '../src/kernels/wasm/module.js';
import { type Random, randomInteger, seededRandom } from '../src/lib/random.js';
import { type PlainRecord, plainRecords, randomRecordBytes } from './data.js';
import { memoryCopy, streamingRead } from './floors.js';
import { type Contender, contender, type Scale, type Topic, type Work } from './topic.js';

/** Above this many records the rivals take too long, or the heap. */
const rivalRecordsMax = 1_000_000;

/** Ten million records must fit into this. */
const wasm = createWasmKernels({ bytesMax: 600_000_000 });
const reference = createReferenceKernels();

/** Random ranges that one run asks about, the same in each. */
const rangesAsked = 8;
const piecesAsked = 1_000;

type Ends = readonly [begin: number, end: number];

const randomRange = (random: Random, n: number): Ends => {
  const [a, b] = [randomInteger(random, n + 1), randomInteger(random, n + 1)];
  return [Math.min(a, b), Math.max(a, b)];
};

/** Building, summing and searching sets of records. */
export const recordSetTopic: Topic = {
  name: 'record-set',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10_000, 100_000, 1_000_000, 10_000_000] : [2_000]) {
      const bytes = randomRecordBytes(n);
      yield buildWork(bytes);
      yield rawFingerprintWork(bytes);
      using set = seal(wasm, bytes);
      yield fingerprintWork('fingerprint of all', bytes, set, [[0, n]]);
      const random = seededRandom(7);
      const ranges = Array.from({ length: rangesAsked }, () => randomRange(random, n));
      yield fingerprintWork('fingerprint of a random range', bytes, set, ranges);
      yield batchWork(n, set);
      yield lowerBoundWork(bytes, set);
    }
  },
};

function seal(kernels: Kernels, bytes: Uint8Array): RecordSet {
  const builder = kernels.createRecordSet();
  builder.append(bytes.length / recordBytes).set(bytes);
  return builder.seal();
}

function sealRival(records: readonly PlainRecord[]): InstanceType<typeof nip77.NegentropyStorageVector> {
  const vector = new nip77.NegentropyStorageVector();
  for (const { timestamp, id } of records) vector.insert(timestamp, id);
  vector.seal();
  return vector;
}

function buildWork(bytes: Uint8Array): Work {
  const n = bytes.length / recordBytes;
  const build = (kernels: Kernels) => () => {
    using set = seal(kernels, bytes);
    return set.size;
  };
  const figures = () => ({ 'bytes reserved': wasm.memory().bytesReserved });
  const contenders = [contender({ name: 'wasm', role: 'candidate', run: build(wasm), figures })];
  if (n <= rivalRecordsMax) {
    const records = plainRecords(bytes);
    contenders.push(
      contender({ name: 'typescript', role: 'reference', slow: true, run: build(reference) }),
      contender({ name: 'nostr-tools', role: 'rival', slow: true, run: () => sealRival(records) }),
    );
  }
  contenders.push(streamingRead(bytes.length), memoryCopy(bytes.length));
  return { name: 'build from unsorted records', n, contenders };
}

/** The sum over the ids as they lie, without sums prepared before. */
function rawFingerprintWork(bytes: Uint8Array): Work {
  const n = bytes.length / recordBytes;
  const module = instantiateKernels();
  const arena = new Arena(module.memory, module.heapBase(), bytes.length + 2 ** 22);
  const records = arena.allocate(bytes.length);
  const out = arena.allocate(64);
  arena.bytes.set(bytes, records);
  const run = () => module.fingerprintRecords(records, n, out);
  const contenders = [contender({ name: 'wasm', role: 'candidate', run }), streamingRead(bytes.length)];
  return { name: 'fingerprint from raw records', n, contenders };
}

function fingerprintWork(name: string, bytes: Uint8Array, set: RecordSet, ranges: readonly Ends[]): Work {
  const n = bytes.length / recordBytes;
  const ask = (fingerprint: (begin: number, end: number) => unknown) => () =>
    ranges.map(([begin, end]) => fingerprint(begin, end));
  const contenders: Contender[] = [
    contender({ name: 'wasm', role: 'candidate', run: ask((begin, end) => set.fingerprint(begin, end)) }),
  ];
  if (n <= rivalRecordsMax / 10) {
    const plain = seal(reference, bytes);
    const rival = sealRival(plainRecords(bytes));
    contenders.push(
      contender({
        name: 'typescript',
        role: 'reference',
        slow: true,
        run: ask((begin, end) => plain.fingerprint(begin, end)),
      }),
      contender({
        name: 'nostr-tools',
        role: 'rival',
        slow: true,
        run: ask((begin, end) => rival.fingerprint(begin, end)),
      }),
    );
  }
  return { name, n, units: ranges.length, contenders };
}

/** All fingerprints of a first question: of the set cut into a thousand pieces. */
function batchWork(n: number, set: RecordSet): Work {
  const ranges = Uint32Array.from({ length: 2 * piecesAsked }, (_, i) =>
    Math.floor((n * ((i + 1) >> 1)) / piecesAsked),
  );
  const target = new Uint8Array(piecesAsked * fingerprintBytes);
  const oneByOne = () => {
    for (let at = 0; at < ranges.length; at += 2) set.fingerprint(ranges[at]!, ranges[at + 1]!);
  };
  const contenders = [
    contender({ name: 'together', role: 'candidate', run: () => set.fingerprints(ranges, target) }),
    contender({ name: 'one by one', role: 'reference', run: oneByOne }),
  ];
  return { name: 'fingerprints of a thousand pieces', n, units: piecesAsked, contenders };
}

function lowerBoundWork(bytes: Uint8Array, set: RecordSet): Work {
  const n = bytes.length / recordBytes;
  const random = seededRandom(8);
  const prefix = new Uint8Array(4);
  const bounds = Array.from({ length: 1024 }, () => set.timestampAt(randomInteger(random, n)));
  let next = 0;
  const run = () => set.lowerBound(bounds[next++ & 1023]!, prefix);
  return { name: 'lower bound', n, contenders: [contender({ name: 'wasm', role: 'candidate', run })] };
}
