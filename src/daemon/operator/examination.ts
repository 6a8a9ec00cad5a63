import { resolve } from 'node:path';
import { z } from 'zod';
import { type ClosingParts, ClosingRefusedError, countClosing, isExpected } from '../../alignment/closing.js';
import { type DiagnosisParts, diagnose } from '../../alignment/diagnosis.js';
import type { Options } from '../../config/options.js';
import { BadControlRequest, type ControlRoute } from '../../control/control-server.js';
import type { DoctorReport } from '../../control/reports.js';
import type { Clock } from '../../lib/clock.js';
import { measureShared } from '../../maintenance/shared-files.js';
import { nameOfEvent } from '../../nostr/event.js';
import type { FaultyEvent } from '../../store/faulty-rows.js';
import type { Core } from '../core.js';
import { changedSince } from '../serving-record.js';

const bytesPerMegabyte = 1_000_000;

/** Says of a stored event that is not to be had which it is; one that is lost was let go of, so that it is asked for again. */
export function faultReport(event: FaultyEvent): DoctorReport {
  const found = { line: `${event.fault.padEnd(10)} ${nameOfEvent(event)}`, isFault: true };
  return event.fault === 'unreadable'
    ? { ...found, outcome: 'cannot be repaired from here', isRepaired: false }
    : { ...found, outcome: 'forgotten: the daemon asks other relays for it', isRepaired: true };
}

/** Compares the repositories with the stored events, and says what packs save that several of them have. */
export async function* examineRepositories(
  parts: DiagnosisParts,
  isToFix: boolean,
  signal: AbortSignal,
): AsyncGenerator<DoctorReport> {
  for await (const diagnosis of diagnose(parts, isToFix, signal)) {
    yield { ...diagnosis, ...(isToFix ? { isRepaired: diagnosis.outcome === 'repaired' } : {}) };
  }
  const sharedBytes = await measureShared(parts.repositories, signal);
  if (sharedBytes === 0) return;
  const megabytes = (sharedBytes / bytesPerMegabyte).toFixed(1);
  const line = `shared     ${megabytes} MB are saved by packs that several repositories have in one file`;
  yield { line, isFault: false };
}

/**
 * Reads all stored events while they are served, in turns of the event loop. One that is lost is forgotten by the daemon as
 * soon as anybody reads it.
 */
export async function* examineEvents(
  { store, storeFaults }: Pick<Core, 'store' | 'storeFaults'>,
  signal: AbortSignal,
): AsyncGenerator<DoctorReport> {
  const found: DoctorReport[] = [];
  using _ = storeFaults.onFault((event) => void found.push(faultReport(event)));
  for await (const __ of store.query([{}])) {
    signal.throwIfAborted();
    yield* found.splice(0);
  }
  yield* found.splice(0);
}

/** Closes nothing that the settings do not admit by mistake: above a few it has to be said. Rejects with `ClosingRefusedError`. */
export async function checkRepairs(options: Options, parts: ClosingParts, accepted: number): Promise<void> {
  const closing = await countClosing(parts);
  if (isExpected(closing, accepted)) return;
  const changed = await changedSince(resolve(options.gitDataPath), options);
  throw new ClosingRefusedError(closing, changed ?? 'no setting changed since the last start of the daemon');
}

export type ExaminationParts = Pick<
  Core,
  'store' | 'storeFaults' | 'directory' | 'purgatory' | 'repositories' | 'git' | 'locks' | 'refChanges'
> & {
  readonly clock: Pick<Clock, 'now'>;
  /** The settings by which the daemon runs now. */
  readonly options: () => Options;
};

/** Has the daemon look at what it serves. */
export function doctorRoute(parts: ExaminationParts): ControlRoute {
  return {
    method: 'POST',
    path: '/doctor',
    async *answer(body, signal) {
      const { isToFix, accepted } = wishIn(body);
      if (isToFix) await admitted(checkRepairs(parts.options(), parts, accepted));
      yield* examineEvents(parts, signal);
      yield* examineRepositories({ ...parts, now: () => parts.clock.now() }, isToFix, signal);
    },
  };
}

const wishShape = z.object({ isToFix: z.boolean(), accepted: z.number().int().nonnegative() });

function wishIn(body: unknown): z.infer<typeof wishShape> {
  const wish = wishShape.safeParse(body);
  if (wish.success) return wish.data;
  throw new BadControlRequest('doctor takes whether to fix, and how many repositories may be closed');
}

async function admitted(check: Promise<void>): Promise<void> {
  try {
    await check;
  } catch (error) {
    throw error instanceof ClosingRefusedError ? new BadControlRequest(error.message) : error;
  }
}
