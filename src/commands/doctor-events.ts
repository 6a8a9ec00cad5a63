import type { Writable } from 'node:stream';
import type { EventStore } from '../store/event-store.js';
import type { FaultOptions, FaultyEvent } from '../store/faulty-rows.js';

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

/** Says what was found missing when the store was opened: faults that nothing repairs but other relays. */
export function sayLosses(stdout: Writable, tally: Tally, losses: readonly string[]): void {
  for (const loss of losses) stdout.write(`log        ${loss}\n`);
  tally.faults += losses.length;
}

/** Reads all that is stored, for the faults that this brings out. Throws the signal's reason. */
export async function readAllEvents(store: Pick<EventStore, 'query'>, signal: AbortSignal): Promise<void> {
  for await (const _ of store.query([{}])) signal.throwIfAborted();
}
