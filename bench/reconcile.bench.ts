import { nip77 } from 'nostr-tools';
import { type RecordSet, recordBytes } from '../src/kernels/kernels.js';
import { createWasmKernels } from '../src/kernels/wasm/kernels.js';
import { NegentropyClient } from '../src/negentropy/client.js';
import { NegentropyServer } from '../src/negentropy/server.js';
import { ClassicPeer } from '../test/negentropy/classic-peer.js';
import { plainRecords, randomRecordBytes } from './data.js';
import {
  type Contender,
  contender,
  type Figures,
  type Role,
  type Scale,
  type Topic,
  type Work,
} from './topic.js';

/** The longest message of either side, in bytes. */
const frameBytes = 60_000;
/** Above this many records nostr-tools takes minutes. */
const rivalRecordsMax = 100_000;

const wasm = createWasmKernels();

/** Items in common, and how many more each side has. */
type Sizes = readonly [shared: number, own: number];
const sizes: Readonly<Record<Scale, readonly Sizes[]>> = {
  small: [[5_000, 50]],
  full: [
    [100_000, 100],
    [1_000_000, 0],
    [1_000_000, 100],
    [1_000_000, 10_000],
    [10_000_000, 100],
    [10_000_000, 10_000],
  ],
};

/** Reconciliation of two sets, both sides in this process: all time is that of the two together. */
export const reconcileTopic: Topic = {
  name: 'reconcile',
  *works(scale: Scale) {
    for (const [shared, own] of sizes[scale]) yield* reconcileWorks(shared, own);
  },
};

function* reconcileWorks(shared: number, own: number): Generator<Work> {
  const common = randomRecordBytes(shared);
  const onlyOurs = randomRecordBytes(own, 2);
  const onlyTheirs = randomRecordBytes(own, 3);
  using ours = seal(common, onlyOurs);
  using theirs = seal(common, onlyTheirs);
  const contenders = [
    pair('graspd with graspd', 'candidate', planningClient(ours), planningServer(theirs)),
    pair('graspd with a classic server', 'candidate', planningClient(ours), classicServer(theirs)),
    pair('classic client with graspd', 'candidate', classicClient(ours), planningServer(theirs)),
    pair('classic with classic', 'rival', classicClient(ours), classicServer(theirs)),
  ];
  if (shared <= rivalRecordsMax) contenders.push(nostrTools([common, onlyOurs], [common, onlyTheirs]));
  yield { name: `reconcile, ${own} differences on each side`, n: shared, contenders };
}

function seal(...parts: readonly Uint8Array[]): RecordSet {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const builder = wasm.createRecordSet(bytes / recordBytes);
  for (const part of parts) builder.append(part.length / recordBytes).set(part);
  return builder.seal();
}

/** Answers one message. */
type Respond = (message: Uint8Array) => Uint8Array;
/** Runs an exchange to its end. */
type Client = (respond: Respond) => void;

const planningServer = (set: RecordSet) => (): Respond => {
  const server = new NegentropyServer(set, frameBytes);
  return (message) => server.respond(message);
};

const classicServer = (set: RecordSet) => (): Respond => {
  const server = new ClassicPeer(set, frameBytes);
  return (message) => server.reconcile(message);
};

function planningClient(set: RecordSet): Client {
  return (respond) => {
    const client = new NegentropyClient(set, { frameBytesMax: frameBytes, needIdsMax: 1_000_000 });
    let message: Uint8Array | undefined = client.initiate();
    while (message !== undefined) message = client.receive(respond(message)).next;
  };
}

function classicClient(set: RecordSet): Client {
  return (respond) => {
    const client = new ClassicPeer(set, frameBytes, { have: [], need: [] });
    let message = client.initiate();
    while (message.length > 1) message = client.reconcile(respond(message));
  };
}

/** A client and a server, and what went between them. */
function pair(name: string, role: Role, client: Client, newServer: () => Respond): Contender {
  let figures: Figures = {};
  const run = (): void => {
    const respond = newServer();
    let rounds = 0;
    let bytesUp = 0;
    let bytesDown = 0;
    client((message) => {
      const answer = respond(message);
      rounds += 1;
      bytesUp += message.length;
      bytesDown += answer.length;
      return answer;
    });
    figures = { rounds, bytesUp, bytesDown };
  };
  return contender({ name, role, run, figures: () => figures });
}

function nostrTools(ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): Contender {
  const vectorOf = (parts: readonly Uint8Array[]): InstanceType<typeof nip77.NegentropyStorageVector> => {
    const vector = new nip77.NegentropyStorageVector();
    for (const part of parts) {
      for (const { timestamp, id } of plainRecords(Uint8Array.from(part))) vector.insert(timestamp, id);
    }
    vector.seal();
    return vector;
  };
  const ourVector = vectorOf(ours);
  const theirVector = vectorOf(theirs);
  let figures: Figures = {};
  const run = (): void => {
    const client = new nip77.Negentropy(ourVector, frameBytes);
    const server = new nip77.Negentropy(theirVector, frameBytes);
    let rounds = 0;
    let bytesUp = 0;
    let bytesDown = 0;
    for (let message: string | null = client.initiate(); message !== null; rounds += 1) {
      const answer: string | null = server.reconcile(message);
      bytesUp += message.length / 2;
      bytesDown += (answer?.length ?? 0) / 2;
      message = answer === null ? null : client.reconcile(answer);
    }
    figures = { rounds, bytesUp, bytesDown };
  };
  return contender({ name: 'nostr-tools', role: 'rival', slow: true, run, figures: () => figures });
}
