import { limits } from '../../config/limits.js';
import type { MemoryHolder } from '../../lib/budgets/memory-budget.js';
import { fromHex, toHex, utf8Length } from '../../lib/bytes.js';
import { NegentropyClient } from '../../negentropy/client.js';
import { NegentropyError } from '../../negentropy/errors.js';
import type { Filter } from '../../nostr/filter.js';
import type { LocalSet } from '../../store/sets/local-set.js';
import { PeerGoneError, PeerOverloadedError } from '../errors.js';
import { heldRangeBytes } from '../held-memory.js';
import type { Negotiator, PeerOutcome } from '../peer/questions.js';
import type { SyncMetrics } from '../report/metrics.js';
import type { CatchupTask, NegentropyResult } from './filter-catchup.js';
import { evenCuts, filterOf, isEverything, type LocalSide } from './local-side.js';
import type { Opening } from './negentropy-probe.js';

export type NegentropyParts = {
  readonly peer: {
    readonly relay: string;
    readonly limits: { readonly messageBytes: number };
    readonly held: MemoryHolder;
    negotiate(negotiator: Negotiator, signal: AbortSignal): Promise<PeerOutcome>;
  };
  readonly local: LocalSide;
  readonly metrics: SyncMetrics;
};

/** Who takes the ids that a session finds, as hex. `onNeed` may make the session wait. */
export type NegentropySink = {
  onNeed(ids: readonly string[]): Promise<void>;
  onHave(ids: Iterable<string>): void;
};

/**
 * Reconciles one filter over one time range with a remote (NIP-77). Rejects with `PeerGoneError`, `PeerOverloadedError`
 * or the signal's reason.
 */
export async function reconcile(
  parts: NegentropyParts,
  task: CatchupTask,
  sink: NegentropySink,
  signal: AbortSignal,
  opening: Opening,
): Promise<NegentropyResult> {
  const local = await parts.local.open(task, signal);
  // A piece of everything takes the same set: where that has no room, it is asked by layers.
  if (local === undefined) return isEverything(task) ? { type: 'rejected' } : { type: 'too-many', cuts: [] };
  try {
    return await runSession(parts, { filter: filterOf(task), local, sink, opening }, signal);
  } finally {
    local[Symbol.dispose]();
  }
}

/** Pieces into which a range is cut at most when the remote says that it is too large. */
const piecesMax = 16;

function tooMany(set: LocalSet, itemsMax: number | undefined): NegentropyResult {
  if (set.size < 2) return { type: 'too-many', cuts: [] };
  const fitting = itemsMax === undefined ? 2 : Math.ceil((1.5 * set.size) / itemsMax);
  return { type: 'too-many', cuts: evenCuts(set, Math.min(Math.max(2, fitting), piecesMax, set.size)) };
}

/** What a session reconciles, and how it begins. */
type SessionTask = {
  readonly filter: Filter;
  readonly local: LocalSet;
  readonly sink: NegentropySink;
  readonly opening: Opening;
};

async function runSession(
  { peer, metrics }: NegentropyParts,
  { filter, local, sink, opening }: SessionTask,
  signal: AbortSignal,
): Promise<NegentropyResult> {
  // Hex takes two characters a byte, and the first message carries the filter too.
  const frameBytesMax = Math.floor((peer.limits.messageBytes - utf8Length(JSON.stringify(filter)) - 100) / 2);
  if (frameBytesMax < limits.negentropyFrameBytesMin) return { type: 'rejected' };
  const begun = () => new NegentropyClient(local, { frameBytesMax, needIdsMax: limits.negentropyNeedIdsMax });
  let client = begun();
  let isTooLarge = false;
  using memory = peer.held.open();
  const negotiator: Negotiator = {
    ...opening,
    filter,
    begin() {
      client = begun();
      return toHex(client.initiate());
    },
    async receive(message) {
      metrics.negentropyRound();
      const step = client.receive(payloadBytes(message));
      if (step.have.length > 0) sink.onHave(idsOf(step.have));
      if (step.need.length > 0) await sink.onNeed([...idsOf(step.need)]);
      if (step.next === undefined) return undefined;
      isTooLarge = !memory.resize(client.openRanges * heldRangeBytes);
      return isTooLarge ? undefined : toHex(step.next);
    },
  };
  try {
    const outcome = await peer.negotiate(negotiator, signal);
    // Of a stretch of time there is less to ask about.
    if (isTooLarge) return tooMany(local, undefined);
    return resultOf(outcome, client.rounds > 0, local, peer.relay);
  } catch (error) {
    if (error instanceof NegentropyError) return { type: client.rounds > 0 ? 'broken' : 'rejected' };
    throw error;
  }
}

function resultOf(outcome: PeerOutcome, hasBegun: boolean, local: LocalSet, relay: string): NegentropyResult {
  switch (outcome.type) {
    case 'ended':
      return { type: 'reconciled' };
    case 'rejected': {
      const { rejection } = outcome;
      if (rejection.type === 'too-many-results') return tooMany(local, rejection.itemsMax);
      return { type: hasBegun && rejection.type === 'other' ? 'broken' : 'rejected' };
    }
    case 'silent':
      return { type: hasBegun ? 'broken' : 'silent' };
    case 'overloaded':
      throw new PeerOverloadedError(relay, 'asks for less time and again');
    case 'gone':
      throw new PeerGoneError(relay);
  }
}

const evenHex = /^(?:[0-9a-fA-F]{2})+$/;

function payloadBytes(payload: string): Uint8Array {
  if (payload.length > 2 * limits.negentropyMessageBytesMax) {
    throw new NegentropyError('message_too_large', `${payload.length / 2} bytes`);
  }
  if (!evenHex.test(payload)) throw new NegentropyError('bad_hex', 'the payload is not hex');
  return fromHex(payload);
}

/** As they are read: of a million that only we have, a few are looked at. */
function* idsOf(bytes: Uint8Array): Iterable<string> {
  for (let at = 0; at < bytes.length; at += 32) yield toHex(bytes.subarray(at, at + 32));
}
