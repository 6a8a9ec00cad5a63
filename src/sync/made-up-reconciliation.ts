import { limits } from '../config/limits.js';
import type { Kernels } from '../kernels/kernels.js';
import { fromHex, toHex } from '../lib/bytes.js';
import { NegentropyClient } from '../negentropy/client.js';
import { NegentropyServer } from '../negentropy/server.js';
import { type LocalSet, SharedSet } from '../store/local-set.js';

/** Times that the sets are reconciled: it takes two until all that is done often is compiled. */
const passes = 2;
/** Of so many records, one is missing on either side. */
const recordsPerDifference = 100;
const firstSecond = 1_700_000_000;
const secondsBetween = 60;
/** Small, so that a turn is short. */
const frameBytes = limits.negentropyFrameBytesMin * 4;

/** Reconciles made-up sets, in both roles, one message a step. Throws `KernelMemoryError`. */
export function* reconcileMadeUpSets(kernels: Kernels): Generator<void, void> {
  using ours = madeUpSet(kernels, 0);
  yield;
  using theirs = madeUpSet(kernels, recordsPerDifference >> 1);
  for (let pass = 0; pass < passes; pass += 1) {
    yield;
    yield* reconcileOnce(ours, theirs);
  }
}

function* reconcileOnce(ours: LocalSet, theirs: LocalSet): Generator<void, void> {
  const client = new NegentropyClient(ours, {
    frameBytesMax: frameBytes,
    needIdsMax: limits.rehearsalRecords,
  });
  const server = new NegentropyServer(theirs, frameBytes);
  for (let question: Uint8Array | undefined = client.initiate(); question !== undefined; ) {
    // As hex, as it travels.
    const answer = server.respond(fromHex(toHex(question)));
    yield;
    question = client.receive(fromHex(toHex(answer))).next;
    yield;
  }
}

/** A set that stands, read as others are, without one of so many records. */
function madeUpSet(kernels: Kernels, missing: number): LocalSet {
  using builder = kernels.createRecordSet(limits.rehearsalRecords);
  const id = new Uint8Array(32);
  const words = new DataView(id.buffer);
  for (let at = 0; at < limits.rehearsalRecords; at += 1) {
    if (at % recordsPerDifference === missing) continue;
    // Neighbours differ early, as hashes do.
    words.setUint32(0, Math.imul(at, 0x9e37_79b1));
    words.setUint32(4, at);
    builder.add(firstSecond + at * secondsBetween, id);
  }
  const shared = new SharedSet(builder.stand());
  const set = shared.lease();
  // Ends with its only reader.
  shared.evict();
  return set;
}
