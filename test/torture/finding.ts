import { setTimeout as sleep } from 'node:timers/promises';

/** How a promise was broken, a line each; empty when it held. */
export type Findings = readonly string[];

/** Whether `condition` came to hold within `ms`, looking again and again. */
export async function heldWithin(ms: number, condition: () => Promise<boolean> | boolean): Promise<boolean> {
  const endsAt = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() >= endsAt) return false;
    await sleep(50);
  }
  return true;
}
