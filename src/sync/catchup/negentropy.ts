import { limits } from '../../config/limits.js';
import { KernelMemoryError } from '../../kernels/errors.js';
import type { Kernels, RecordSet } from '../../kernels/kernels.js';
import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import { fromHex, toHex, utf8Length } from '../../lib/bytes.js';
import type { Clock } from '../../lib/clock.js';
import { NegentropyClient } from '../../negentropy/client.js';
import { NegentropyError } from '../../negentropy/errors.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore } from '../../store/event-store.js';
import type { RefusedIndex } from '../../store/refused/refused-index.js';
import type { KnownSet } from '../../store/sets/known-set.js';
import type { LocalSet } from '../../store/sets/local-set.js';
import { PeerGoneError } from '../errors.js';
import { heldRangeBytes } from '../held-memory.js';
import type { Channel, ChannelMessage } from '../peer/channel.js';
import type { Peer } from '../peer/peer.js';
import { readRefusal, refusesNegentropy } from '../peer/refusal.js';
import { retryOnRateLimit, slowedDown } from '../peer/request.js';
import type { SyncMetrics } from '../report/metrics.js';
import type { CatchupTask, NegentropyResult } from './catchup.js';

export type NegentropyParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly kernels: Kernels;
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly known: KnownSet;
  readonly metrics: SyncMetrics;
};

/** Who takes the ids that a session finds, as hex. `onNeed` may make the session wait. */
export type NegentropySink = {
  onNeed(ids: readonly string[]): Promise<void>;
  onHave(ids: Iterable<string>): void;
};

/** The filter of a task with its time range. */
export function filterOf({ filter, range }: CatchupTask): Filter {
  const within: Filter = { ...filter };
  if (range.since > 0) within.since = range.since;
  if (range.until !== undefined) within.until = range.until;
  return within;
}

/**
 * Reconciles one filter over one time range with a remote (NIP-77). The local set is what is stored and what is
 * remembered as refused. Rejects with `PeerGoneError`, `PeerRefusedError`, `PeerOverloadedError` or the signal's reason.
 */
export async function reconcile(
  parts: NegentropyParts,
  task: CatchupTask,
  sink: NegentropySink,
  signal: AbortSignal,
  opening: Opening,
): Promise<NegentropyResult> {
  const filter = filterOf(task);
  const local = isEverything(filter) ? await parts.known.open(filter, signal) : localSet(parts, filter);
  // A piece of everything takes the same set: where that has no room, it is asked by layers.
  if (local === undefined) return isEverything(filter) ? { type: 'refused' } : { type: 'too-many', cuts: [] };
  try {
    const end = await retryOnRateLimit(
      { ...parts, signal },
      async () => await runSession(parts, { filter, local, sink, opening }, signal),
    );
    return end.type === 'closed' ? { type: 'refused' } : end;
  } finally {
    local[Symbol.dispose]();
  }
}

/** What is known here of a filter, or `undefined` when the kernels cannot hold it at once. */
export function localSet(
  { kernels, store, refused }: Pick<NegentropyParts, 'kernels' | 'store' | 'refused'>,
  filter: Filter,
): RecordSet | undefined {
  const builder = kernels.createRecordSet();
  try {
    store.collect(filter, builder);
    refused.collect(filter, builder);
    return builder.seal();
  } catch (error) {
    builder[Symbol.dispose]();
    if (error instanceof KernelMemoryError) return undefined;
    throw error;
  }
}

/** Times that divide a set into pieces of about equal size, oldest first. */
export function evenCuts(set: LocalSet, pieces: number): number[] {
  return Array.from({ length: pieces - 1 }, (_, index) =>
    Number(set.timestampAt(Math.floor((set.size * (index + 1)) / pieces))),
  );
}

/** Whether a filter asks for all of a stretch of time: what is known of that stands, and is not to be collected. */
function isEverything({ since: _, until: __, ...filter }: Filter): boolean {
  return Object.keys(filter).length === 0;
}

type SessionEnd = NegentropyResult | { readonly type: 'closed'; readonly reason: string };

/** Pieces into which a range is cut at most when the remote says that it is too large. */
const piecesMax = 16;

function tooMany(set: LocalSet, itemsMax: number | undefined): NegentropyResult {
  if (set.size < 2) return { type: 'too-many', cuts: [] };
  const fitting = itemsMax === undefined ? 2 : Math.ceil((1.5 * set.size) / itemsMax);
  return { type: 'too-many', cuts: evenCuts(set, Math.min(Math.max(2, fitting), piecesMax, set.size)) };
}

/** How a session begins: how long the remote may take to answer its first message, and who is told when it did. */
export type Opening = { readonly answerMsMax: number; readonly onAnswered: () => void };

/** What a session reconciles, and how it begins. */
type SessionTask = {
  readonly filter: Filter;
  readonly local: LocalSet;
  readonly sink: NegentropySink;
  readonly opening: Opening;
};

async function runSession(
  parts: NegentropyParts,
  { filter, local, sink, opening }: SessionTask,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const { peer, metrics } = parts;
  // Hex takes two characters a byte, and the first message carries the filter too.
  const frameBytesMax = Math.floor((peer.limits.messageBytes - utf8Length(JSON.stringify(filter)) - 100) / 2);
  if (frameBytesMax < limits.negentropyFrameBytesMin) return { type: 'refused' };
  await peer.ready(signal);
  const client = new NegentropyClient(local, {
    frameBytesMax,
    needIdsMax: limits.negentropyNeedIdsMax,
  });
  const session = new Session(parts, signal);
  using memory = peer.held.open();
  try {
    const first = ['NEG-OPEN', session.id, filter, toHex(client.initiate())];
    let answer = await session.ask(first, opening.answerMsMax);
    if (answer.type === 'message') opening.onAnswered();
    for (;;) {
      if (answer.type !== 'message') return endOf(answer, client.rounds > 0, local);
      metrics.negentropyRound();
      const step = client.receive(payloadBytes(answer.payload));
      if (step.have.length > 0) sink.onHave(idsOf(step.have));
      if (step.need.length > 0) await sink.onNeed([...idsOf(step.need)]);
      if (step.next === undefined) return { type: 'reconciled' };
      // Of a stretch of time there is less to ask about.
      if (!memory.resize(client.openRanges * heldRangeBytes)) return tooMany(local, undefined);
      await peer.ready(signal);
      answer = await session.ask(['NEG-MSG', session.id, toHex(step.next)]);
    }
  } catch (error) {
    if (error instanceof NegentropyError) return client.rounds > 0 ? { type: 'broken' } : { type: 'refused' };
    throw error;
  } finally {
    session.close();
  }
}

function endOf(answer: Exclude<Answer, { type: 'message' }>, hasBegun: boolean, local: LocalSet): SessionEnd {
  if (answer.type === 'slowed') return slowedDown;
  if (answer.type === 'silent') return { type: hasBegun ? 'broken' : 'silent' };
  const refusal = readRefusal(answer.reason, answer.itemsMax);
  if (refusal.type === 'too-many-results') return tooMany(local, refusal.itemsMax);
  if (refusal.type !== 'other') return { type: 'closed', reason: answer.reason };
  return { type: hasBegun ? 'broken' : 'refused' };
}

type Answer =
  | { readonly type: 'message'; readonly payload: string }
  | { readonly type: 'error'; readonly reason: string; readonly itemsMax: number | undefined }
  | { readonly type: 'silent' }
  /** Silent since a NOTICE that asked us to slow down. */
  | { readonly type: 'slowed' };

/** One exchange of messages under one id: one question, one answer. */
class Session {
  readonly #peer: Peer;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #stop: Disposable;
  #answer: Deferred<Answer> | undefined;
  #rounds = 0;
  #askedAt = 0;
  #isOpen = true;

  constructor({ peer, clock }: NegentropyParts, signal: AbortSignal) {
    this.#peer = peer;
    this.#clock = clock;
    this.#signal = signal;
    this.#channel = peer.openChannel('n', {
      source: 'catchup',
      onEvent: () => peer.violation(),
      onMessage: (message) => this.#onMessage(message),
      onSilent: () =>
        this.#answer?.resolve({ type: peer.wasSlowedSince(this.#askedAt) ? 'slowed' : 'silent' }),
      onGone: () => this.#answer?.reject(new PeerGoneError(peer.relay)),
    });
    this.#stop = onAbort(signal, (reason) => this.#answer?.reject(reason));
  }

  get id(): string {
    return this.#channel.id;
  }

  async ask(message: readonly unknown[], limitMs?: number): Promise<Answer> {
    this.#signal.throwIfAborted();
    const answered = deferred<Answer>();
    this.#answer = answered;
    this.#askedAt = this.#clock.monotonic();
    this.#peer.send(message);
    this.#channel.expect(limitMs);
    const answer = await answered.promise;
    this.#channel.rest();
    this.#rounds += 1;
    if (answer.type === 'silent') {
      if (this.#rounds > 1) this.#peer.unanswered(this.#askedAt);
    } else if (answer.type !== 'slowed') {
      this.#peer.answered();
    }
    return answer;
  }

  close(): void {
    this.#stop[Symbol.dispose]();
    this.#peer.closeChannel(this.#channel, this.#isOpen ? 'NEG-CLOSE' : undefined);
  }

  #onMessage(message: ChannelMessage): boolean {
    switch (message.type) {
      case 'NEG-MSG':
        return this.#take({ type: 'message', payload: message.payload });
      case 'NEG-ERR':
        this.#isOpen = false;
        return this.#take({ type: 'error', reason: message.reason, itemsMax: message.itemsMax });
      case 'CLOSED':
        this.#isOpen = false;
        return this.#take({ type: 'error', reason: message.reason, itemsMax: undefined });
      case 'NOTICE':
        if (this.#rounds > 0 || !refusesNegentropy(message.text)) return false;
        return this.#take({ type: 'error', reason: message.text, itemsMax: undefined });
      case 'EOSE':
        return false;
    }
  }

  /** Takes the answer; false when there was one already. */
  #take(answer: Answer): boolean {
    const waiting = this.#answer;
    this.#answer = undefined;
    waiting?.resolve(answer);
    return waiting !== undefined;
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
