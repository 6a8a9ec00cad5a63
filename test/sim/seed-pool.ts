import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './simulation.js';

const workerFile = fileURLToPath(new URL('./seed-worker.ts', import.meta.url));

/**
 * Runs the seeds from `from` on, `jobs` at a time, each in a process that is used again; `onOutcome` is told of each,
 * in no particular order.
 */
export async function runSeeds(
  from: number,
  count: number,
  jobs: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  let next = from;
  const work = async () => {
    const worker = fork(workerFile);
    const ended = once(worker, 'exit').then(([code]) => {
      throw new Error(`a worker ended with ${code}`);
    });
    try {
      while (next < from + count) {
        const answer = once(worker, 'message');
        worker.send(next++);
        const [outcome] = await Promise.race([answer, ended]);
        onOutcome(outcome as Outcome);
      }
    } finally {
      ended.catch(() => {});
      worker.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, work));
}
