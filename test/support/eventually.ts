import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `condition` holds, looking again and again; the time limit of the test bounds it. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(25);
}
