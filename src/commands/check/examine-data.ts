import { resolve } from 'node:path';
import { createPoolVerifier } from '../../admission/verification/pool-verifier.js';
import { checkNothingIsRestoring } from '../../backup/restore/restore-folders.js';
import { checkNotBrokenOff } from '../../backup/restore/restore-mark.js';
import type { Options } from '../../config/options.js';
import type { DoctorReport } from '../../control/reports.js';
import { examineRepositories } from '../../daemon/operator/examination.js';
import { openStore } from '../../daemon/store/open-store.js';
import { systemClock } from '../../lib/clock.js';
import type { Faults } from '../../lib/faults.js';
import { ModerationLists } from '../../moderation/lists.js';
import { nameOfEvent } from '../../nostr/event.js';
import type { FaultyEvent } from '../../store/faulty-rows.js';
import type { VerifySignatures } from '../../store/level/examination/examine-events.js';
import { examineStore } from '../../store/level/examination/examine-store.js';
import { StoreCopy } from '../../store/level/examination/store-copy.js';
import type { OpenedStore } from '../../store/opened-store.js';
import { storedParts } from '../doctor/stored-repositories.js';

/** Looks through the data of a daemon that does not run, and changes nothing. Throws `StoreError`, `BackupError`. */
export async function* examineData(
  options: Options,
  signal: AbortSignal,
  verify?: VerifySignatures,
): AsyncGenerator<DoctorReport> {
  if (options.databaseBackend === 'postgresql') {
    yield* examineDatabase(options, signal);
    return;
  }
  const path = resolve(options.relayDataPath);
  await checkNothingIsRestoring(path);
  yield* ofCopy(path, (copy) => examineFiles(copy, verify));
  // Of another copy: the first was changed, as a start would change it.
  yield* ofCopy(path, (copy) => examineMeaning({ ...options, relayDataPath: copy }, signal));
}

/** Checks signatures on threads for as long as `use` lasts. */
export async function* verifying<T>(
  { verifyWorkers: workers, signatureLibrary: library }: Options,
  faults: Faults,
  use: (verify: VerifySignatures) => AsyncIterable<T>,
): AsyncGenerator<T> {
  await using verifier = createPoolVerifier({ workers, library, faults });
  yield* use(async (events) => {
    if (events.length === 0) return [];
    const { verdicts } = await verifier.verify(events);
    return verdicts.map((verdict) => verdict === 'valid');
  });
}

async function* ofCopy(
  path: string,
  use: (copy: string) => AsyncIterable<DoctorReport>,
): AsyncGenerator<DoctorReport> {
  await using copy = await StoreCopy.make(path);
  try {
    yield* use(copy.path);
  } catch (error) {
    throw copy.explain(error);
  }
}

async function* examineFiles(
  path: string,
  verify: VerifySignatures | undefined,
): AsyncGenerator<DoctorReport> {
  for await (const { what, about } of examineStore(path, verify))
    yield { line: `${what.padEnd(10)} ${about}`, isFault: true };
}

/** Of a database whose files are the business of its server: whether all events are to be had, and what they come to. */
async function* examineDatabase(options: Options, signal: AbortSignal): AsyncGenerator<DoctorReport> {
  const found: DoctorReport[] = [];
  const onFault = (event: FaultyEvent): void => {
    found.push({ line: `${event.fault.padEnd(10)} ${nameOfEvent(event)}`, isFault: true });
  };
  const opened = await openStore(options, systemClock, { keepsFaulty: true, onFault });
  await using store = opened.store;
  await checkNotBrokenOff(opened.journal);
  for await (const _ of store.query([{}])) {
    signal.throwIfAborted();
    yield* found.splice(0);
  }
  yield* found.splice(0);
  yield* meaningOf(opened, options, signal);
}

async function* examineMeaning(options: Options, signal: AbortSignal): AsyncGenerator<DoctorReport> {
  const opened = await openStore(options, systemClock, { keepsFaulty: true });
  await using _ = opened.store;
  yield* meaningOf(opened, options, signal);
}

/** What the events come to, as a start would have it: what is held, who is banned, and the repositories. */
async function* meaningOf(
  opened: OpenedStore,
  options: Options,
  signal: AbortSignal,
): AsyncGenerator<DoctorReport> {
  // A start reads them too, and does not begin where one is damaged.
  await ModerationLists.load(opened.journal);
  const parts = await storedParts(options, opened, signal);
  for (const { event } of parts.purgatory.all()) {
    // The next start ends its wait.
    if (opened.store.has(event.id))
      yield { line: `held       event ${event.id}, though it is stored`, isFault: false };
  }
  yield* examineRepositories(parts, false, signal);
}
