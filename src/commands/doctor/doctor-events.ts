import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { Options } from '../../config/options.js';
import type { EventStore } from '../../store/event-store.js';
import type { FaultOptions, FaultyEvent } from '../../store/faulty-rows.js';
import { canReadFiles, repairFiles } from '../../store/level/repair.js';
import type { Invocation } from '../command.js';

/** What was found, and how much of it was repaired. */
export type Tally = { faults: number; repaired: number };

/** Says of each stored event that is not to be had which it is; `isToFix` has those that are lost forgotten. */
export function faultsSaidTo(stdout: Writable, tally: Tally, isToFix: boolean): FaultOptions {
  const onFault = ({ id, kind, fault }: FaultyEvent): void => {
    stdout.write(`${fault.padEnd(10)} event ${id}, kind ${kind}\n`);
    tally.faults += 1;
    if (!isToFix) return;
    if (fault !== 'unreadable') tally.repaired += 1;
    stdout.write(fault === 'unreadable' ? `  cannot be repaired from here\n` : `  ${forgotten}\n`);
  };
  return { onFault, keepsFaulty: !isToFix };
}

const forgotten = 'forgotten: the daemon asks other relays for it';

/** Looks whether LevelDB can read its files, and has it write them anew when asked to. Throws `StoreError`. */
export async function examineFiles(
  options: Options,
  isToFix: boolean,
  tally: Tally,
  { stdout }: Pick<Invocation, 'stdout'>,
): Promise<void> {
  const path = resolve(options.relayDataPath);
  if (await canReadFiles(path)) return;
  stdout.write('files      the database has blocks that cannot be read, and will take no writes\n');
  tally.faults += 1;
  if (!isToFix) return;
  await repairFiles(path);
  tally.repaired += 1;
  stdout.write(`  repaired: the files as they were are in ${path}/events/lost\n`);
}

/** Says what was found missing when the store was opened: faults that nothing repairs but other relays. */
export function sayLosses(stdout: Writable, tally: Tally, losses: readonly string[]): void {
  for (const loss of losses) stdout.write(`log        ${loss}\n`);
  tally.faults += losses.length;
}

/** Reads all that is stored, for the faults that this brings out. Throws the signal's reason. */
export async function readAllEvents(store: Pick<EventStore, 'query'>, signal: AbortSignal): Promise<void> {
  for await (const _ of store.query([{}])) signal.throwIfAborted();
}
