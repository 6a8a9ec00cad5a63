import type { Admission } from '../admission/admission.js';
import { limits } from '../config/limits.js';
import { deferred, onAbort, unlessAborted } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { LineTooLongError } from '../nostr/event-lines.js';
import { type ImportCounts, importEvents } from './import-events.js';

/** How far an import is, or what came of it; as JSON it is the same. */
export type ImportReport = {
  /** Of the input: bytes that were read. */
  readonly bytes: number;
  readonly counts: Readonly<ImportCounts>;
  /** Repositories that are still to be aligned; there once the input was read to its end. */
  readonly toAlign?: number;
  /** Says how it ended. */
  readonly end?: ImportEnd;
};

export type ImportEnd =
  | {
      readonly type: 'whole';
      /** How many events stay refused for which reason, most first. */
      readonly reasons: readonly (readonly [string, number])[];
      /** Repositories that could not be made what the events say, and are tried again. */
      readonly unaligned: number;
    }
  /** The input cannot be read on; the message is for the operator. */
  | { readonly type: 'unreadable'; readonly why: string };

export type ImportRunParts = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity'> & {
    /** Settles when what is on disk has been told to all. */
    announced(): Promise<void>;
  };
  readonly alignment: { readonly pending: number; idle(): Promise<number> };
  readonly clock: Pick<Clock, 'after'>;
};

/**
 * Imports the events of JSON lines, and waits until the repositories on disk are what they say. Tells at once, and now and
 * then, how far it is; the last report has the end. Rejects as `importEvents`, after a last report of what was done until then, and lets
 * go of all when nobody reads the reports any more.
 */
export async function* runImport(
  input: AsyncIterable<Uint8Array>,
  parts: ImportRunParts,
  signal: AbortSignal,
): AsyncGenerator<ImportReport> {
  const stop = new AbortController();
  using _ = onAbort(signal, (reason) => stop.abort(reason));
  const state: State = { bytes: 0, counts: { stored: 0, known: 0, refused: 0, malformed: 0 } };
  const work = run(input, state, parts, stop.signal);
  // It is waited for below; until then a failure must not count as one that nobody handles.
  work.catch(() => {});
  try {
    yield reportOf(state, parts);
    for (let isOver = false; !isOver; ) {
      isOver = await isOverSoon(work, parts.clock).catch(() => true);
      yield reportOf(state, parts);
    }
    await work;
  } finally {
    stop.abort();
    await work.catch(() => {});
  }
}

type State = { bytes: number; readonly counts: ImportCounts; isRead?: true; end?: ImportEnd };

async function run(
  input: AsyncIterable<Uint8Array>,
  state: State,
  { admission, alignment }: ImportRunParts,
  signal: AbortSignal,
): Promise<void> {
  try {
    const chunks = counted(input, state, signal);
    const reasons = await importEvents(chunks, { admission, counts: state.counts, signal });
    await admission.announced();
    state.isRead = true;
    const unaligned = await unlessAborted(alignment.idle(), signal);
    state.end = { type: 'whole', reasons: [...reasons].sort(([, a], [, b]) => b - a), unaligned };
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    state.end = { type: 'unreadable', why: error.message };
  }
}

/** The chunks of the input, no longer than the signal lives, however long one is waited for. */
async function* counted(
  input: AsyncIterable<Uint8Array>,
  state: State,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = input[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await unlessAborted(chunks.next(), signal);
    if (done === true) return;
    state.bytes += value.length;
    yield value;
  }
}

/** Waits for the work, or until a report is due; rejects as the work does. */
async function isOverSoon(work: Promise<void>, clock: Pick<Clock, 'after'>): Promise<boolean> {
  const due = deferred<boolean>();
  const cancel = clock.after(limits.importReportMs, () => due.resolve(false));
  try {
    return await Promise.race([work.then(() => true), due.promise]);
  } finally {
    cancel();
  }
}

function reportOf({ bytes, counts, isRead, end }: State, { alignment }: ImportRunParts): ImportReport {
  return {
    bytes,
    counts: { ...counts },
    ...(isRead === true ? { toAlign: alignment.pending } : {}),
    ...(end === undefined ? {} : { end }),
  };
}
