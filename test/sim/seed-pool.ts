import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time on this machine after which a world is taken for one that never ends. */
const seedMsMax = 120_000;
/** What was killed in a world waits for ever, and is kept in memory by what it waits for. */
const seedsPerProcess = 50;
const neverEnds = `the world does not end within ${seedMsMax} ms of real time, or its process died`;

export type SeedPool<Outcome> = {
  /** What each process runs: it answers the seed that it is sent with the outcome. */
  readonly workerFile: string;
  /** How a seed went that came to no end, and why. */
  readonly hung: (seed: number, failure: string) => Outcome;
};

/**
 * Runs the seeds from `from` on, `jobs` at a time, each in a process that is used again for some; `onOutcome` is told of each,
 * in no particular order.
 */
export async function runSeeds<Outcome>(
  { workerFile, hung }: SeedPool<Outcome>,
  { from, count, jobs }: { readonly from: number; readonly count: number; readonly jobs: number },
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  let next = from;
  const work = async () => {
    let worker: ChildProcess | undefined;
    let seeds = 0;
    while (next < from + count) {
      const seed = next++;
      worker ??= fork(workerFile);
      const outcome = await runIn<Outcome>(worker, seed);
      seeds += 1;
      if (outcome === undefined || seeds === seedsPerProcess) {
        worker.kill('SIGKILL');
        worker = undefined;
        seeds = 0;
      }
      onOutcome(outcome ?? hung(seed, neverEnds));
    }
    worker?.kill();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, work));
}

/** How a seed went in that process; `undefined` when it ended or did not answer in time. */
async function runIn<Outcome>(worker: ChildProcess, seed: number): Promise<Outcome | undefined> {
  const stop = new AbortController();
  const { signal } = stop;
  try {
    const answer = once(worker, 'message', { signal }).then(([outcome]) => outcome as Outcome);
    const none = Promise.race([once(worker, 'exit', { signal }), sleep(seedMsMax, undefined, { signal })]);
    for (const wait of [answer, none]) wait.catch(() => {});
    worker.send(seed);
    return await Promise.race([answer, none.then(() => undefined)]);
  } finally {
    stop.abort();
  }
}
