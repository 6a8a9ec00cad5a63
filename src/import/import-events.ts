import type { Admission } from '../admission/admission.js';
import { limits } from '../config/limits.js';
import type { NostrEvent } from '../nostr/event.js';
import { readEventLine, splitLines } from '../nostr/event-lines.js';
import { Spool } from './spool.js';

/** What became of the lines of the input so far. */
export type ImportCounts = {
  stored: number;
  /** Known already, superseded, or not to be stored (ephemeral). */
  known: number;
  /** Refused by policy, for their id or signature, or by a full disk; falls again as later passes take them. */
  refused: number;
  /** Lines that are no event. */
  malformed: number;
};

export type ImportParts = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity'>;
  /** Written to as the outcomes come. */
  readonly counts: ImportCounts;
  readonly signal: AbortSignal;
};

/** How many events were refused for which reason. */
export type RefusalReasons = ReadonlyMap<string, number>;

/**
 * Sends the events of JSON lines through the admission. An input has its events in
 * any order, and the policy takes an event only when what it refers to is stored; so what was refused is tried again
 * in further passes, for as long as a pass stores something. Resolves to the reasons of what stays refused; rejects
 * with the signal's reason, with what the admission rejects with, and with what reading the input throws.
 */
export async function importEvents(
  input: AsyncIterable<Uint8Array>,
  parts: ImportParts,
): Promise<RefusalReasons> {
  let spool = new Spool();
  try {
    let pass = await importPass(input, spool, parts);
    while (pass.stored > 0 && spool.events > 0) {
      using refused = spool;
      spool = new Spool();
      parts.counts.refused -= refused.events;
      pass = await importPass(refused.read(), spool, parts);
    }
    return pass.reasons;
  } finally {
    spool[Symbol.dispose]();
  }
}

type Pass = { readonly stored: number; readonly reasons: RefusalReasons };

async function importPass(
  input: AsyncIterable<Uint8Array>,
  spool: Spool,
  { admission, counts, signal }: ImportParts,
): Promise<Pass> {
  const storedBefore = counts.stored;
  const reasons = new Map<string, number>();
  const submit = async (event: NostrEvent): Promise<void> => {
    const outcome = await admission.submit(event, { type: 'import' });
    if (outcome.type === 'stored') counts.stored += 1;
    else if (outcome.type !== 'refused' && outcome.type !== 'failed') counts.known += 1;
    else {
      counts.refused += 1;
      reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1);
      spool.add(event);
    }
  };
  // Two batches are under way: while one is waited for, the other keeps the verification busy.
  let earlier: Promise<unknown> = Promise.resolve();
  let pending: Promise<void>[] = [];
  try {
    for await (const lines of splitLines(input, limits.importLineBytesMax)) {
      for (const line of lines) {
        signal.throwIfAborted();
        const event = readEventLine(line);
        if (event === undefined) {
          counts.malformed += 1;
          continue;
        }
        await admission.waitForCapacity('import');
        const outcome = submit(event);
        // Waited for with its batch; until then a failure must not count as one that nobody handles.
        outcome.catch(() => {});
        pending.push(outcome);
        if (pending.length >= limits.importBatchEventsMax) {
          await earlier;
          earlier = settled(pending);
          earlier.catch(() => {});
          pending = [];
        }
      }
    }
    await earlier;
    await settled(pending);
  } finally {
    // What is under way may still put an event aside.
    await Promise.allSettled([earlier, settled(pending)]);
  }
  return { stored: counts.stored - storedBefore, reasons };
}

/** Waits for all, also where one fails; rejects as the first that failed. */
async function settled(outcomes: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(outcomes);
  await Promise.all(outcomes);
}
