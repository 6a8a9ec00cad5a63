import { resolve } from 'node:path';
import type { Options } from '../../config/options.js';
import type { DoctorReport } from '../../control/reports.js';
import { faultReport } from '../../daemon/operator/examination.js';
import type { EventStore } from '../../store/event-store.js';
import type { FaultOptions } from '../../store/faulty-rows.js';
import { canReadFiles, repairFiles } from '../../store/level/repair.js';

/** Told of what is found. */
export type Say = (report: DoctorReport) => void;

/** Says of each stored event that is not to be had which it is; those that are lost are forgotten. */
export function faultsSaidTo(say: Say): FaultOptions {
  return { onFault: (event) => say(faultReport(event)) };
}

/** Looks whether LevelDB can read its files, and has it write them anew where it cannot. Throws `StoreError`. */
export async function repairUnreadableFiles(options: Options, say: Say): Promise<void> {
  const path = resolve(options.relayDataPath);
  if (await canReadFiles(path)) return;
  const line = 'files      the database has blocks that cannot be read, and will take no writes';
  await repairFiles(path);
  const outcome = `repaired: the files as they were are in ${path}/events/lost`;
  say({ line, isFault: true, outcome, isRepaired: true });
}

/** Says what was found missing when the store was opened: faults that nothing repairs but other relays. */
export function sayLosses(say: Say, losses: readonly string[]): void {
  for (const loss of losses) say({ line: `log        ${loss}`, isFault: true });
}

/** Reads all that is stored, for the faults that this brings out. Throws the signal's reason. */
export async function readAllEvents(store: Pick<EventStore, 'query'>, signal: AbortSignal): Promise<void> {
  for await (const _ of store.query([{}])) signal.throwIfAborted();
}
