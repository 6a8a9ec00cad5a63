import { limits } from '../config/limits.js';
import type { Kernels } from '../kernels/kernels.js';
import { fromHex, toHex } from '../lib/bytes.js';
import { NegentropyClient } from '../negentropy/client.js';
import { NegentropyServer } from '../negentropy/server.js';
import { SharedSet } from '../store/local-set.js';

/** Times that the sets are reconciled: it takes two until all that is done often is compiled. */
const passes = 2;
/** Of so many records, one is missing on either side. */
const recordsPerDifference = 100;
/** Small, so that a turn is short. */
const frameBytes = limits.negentropyFrameBytesMin * 4;

/**
 * Reconciles made-up sets, in both roles, one message a step. What a process does for the first time takes it five to
 * ten times as long as later on; here that is done while nobody waits. Throws `KernelMemoryError`.
 */
export function* rehearseReconciliation(kernels: Kernels): Generator<void, void> {
  using ours = madeUpSet(kernels, 0);
  yield;
  using theirs = madeUpSet(kernels, recordsPerDifference >> 1);
  for (let pass = 0; pass < passes; pass += 1) {
    yield;
    yield* reconcileOnce(ours, theirs);
  }
}

function* reconcileOnce(ours: Lease, theirs: Lease): Generator<void, void> {
  const client = new NegentropyClient(ours.set, {
    frameBytesMax: frameBytes,
    needIdsMax: limits.rehearsalRecords,
  });
  const server = new NegentropyServer(theirs.set, frameBytes);
  for (let question: Uint8Array | undefined = client.initiate(); question !== undefined; ) {
    // As hex, as it travels.
    const answer = server.respond(fromHex(toHex(question)));
    yield;
    question = client.receive(fromHex(toHex(answer))).next;
    yield;
  }
}

type Lease = Disposable & { readonly set: ReturnType<SharedSet['lease']> };

/** A set that stands, read as others are, without every so manieth record. */
function madeUpSet(kernels: Kernels, missing: number): Lease {
  using builder = kernels.createRecordSet(limits.rehearsalRecords);
  const id = new Uint8Array(32);
  const words = new DataView(id.buffer);
  for (let at = 0; at < limits.rehearsalRecords; at += 1) {
    if (at % recordsPerDifference === missing) continue;
    // Neighbours differ early, as hashes do.
    words.setUint32(0, Math.imul(at, 0x9e37_79b1));
    words.setUint32(4, at);
    builder.add(firstSecond + at * 60, id);
  }
  const shared = new SharedSet(builder.stand());
  const set = shared.lease();
  shared.evict();
  return { set, [Symbol.dispose]: () => set[Symbol.dispose]() };
}

const firstSecond = 1_700_000_000;
