/** Runs the simulated world from the command line. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { errorMessage } from '../../src/lib/errors.js';
import { simulateRing } from './ring/ring.js';
import { drawRing } from './ring/ring-scenario.js';
import { dayScenario, drawScenario, type Scenario } from './scenario.js';
import { runSeeds } from './seed-pool.js';
import { type Outcome, simulate } from './simulation.js';

const help = `Runs simulated worlds of faulty relays and says which seeds fail.

  npm run sim -- [--seeds 200] [--from 1] [--jobs N]   many worlds, N at a time: as many as there are cores
  npm run sim -- --seed 42 [--trace]                   one world again, with all that happens in it
  npm run sim -- --day [--seed 1] [--trace]            a day of 100 relays and 100,000 events
  npm run sim -- --ring [--seed 1] [--trace]           an hour of ten daemons of ours in a ring, with bad links, a
                                                       partition that moves, and crashes
  npm run sim -- --help

Ends with 0 when all went well, 1 when a seed failed, 2 when it was called wrongly.`;

const values = readArguments();

if (values.help) console.log(help);
else if (values.ring) await runRing(wholeNumber(values.seed ?? '1'));
else if (values.day) await runOne(dayScenario(wholeNumber(values.seed ?? '1')));
else if (values.seed !== undefined) await runOne(drawScenario(wholeNumber(values.seed)));
else await runMany(wholeNumber(values.from), wholeNumber(values.seeds, 1), wholeNumber(values.jobs, 1));

async function runOne(scenario: Scenario): Promise<void> {
  await timed(async () => {
    const outcome = await simulate(scenario, createReferenceKernels(), traceWriter());
    tell(outcome);
    return outcome;
  });
}

async function runRing(seed: number): Promise<void> {
  await timed(async () => {
    const outcome = await simulateRing(drawRing(seed), traceWriter());
    const { failures, acknowledged, partitions, dials, wholeAfterMs, equalAfterMs } = outcome;
    console.log(
      `seed ${seed}: ${acknowledged} events, ${partitions} partitions, ${dials} dials, after the last one connected ${after(wholeAfterMs)}, equal ${after(equalAfterMs)}`,
    );
    for (const failure of failures) console.log(`  ${failure}`);
    return outcome;
  });
}

function after(ms: number | undefined): string {
  return ms === undefined ? 'never' : `after ${(ms / 1_000).toFixed(0)} s`;
}

function traceWriter(): ((line: string) => void) | undefined {
  return values.trace ? (line) => console.log(line) : undefined;
}

/** Runs it and says what it took; the exit code says whether it failed. */
async function timed(run: () => Promise<Pick<Outcome, 'failures'>>): Promise<void> {
  const begun = performance.now();
  const outcome = await run();
  const { user, system } = process.cpuUsage();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${seconds} s, ${((user + system) / 1e6).toFixed(1)} s of processor time`);
  if (outcome.failures.length > 0) process.exitCode = 1;
}

async function runMany(from: number, count: number, jobs: number): Promise<void> {
  const begun = performance.now();
  const failed: number[] = [];
  let done = 0;
  const workerFile = fileURLToPath(new URL('./seed-worker.ts', import.meta.url));
  await runSeeds({ workerFile, hung }, { from, count, jobs }, (outcome) => {
    done += 1;
    if (outcome.failures.length > 0) {
      failed.push(outcome.seed);
      tell(outcome);
    }
    if (done % 100 !== 0 && done !== count) return;
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.log(`${done} of ${count} seeds, ${failed.length} failed, ${seconds} s`);
  });
  if (failed.length === 0) return;
  failed.sort((a, b) => a - b);
  console.log(`failed: ${failed.join(' ')}\nreplay one by: npm run sim -- --seed ${failed[0]} --trace`);
  process.exitCode = 1;
}

function hung(seed: number, failure: string): Outcome {
  const none = { storedEvents: 0, acceptableEvents: 0, dials: 0, completeAfterMs: undefined };
  return { seed, failures: [failure], ...none };
}

function tell({ seed, failures, storedEvents, acceptableEvents, dials, completeAfterMs }: Outcome): void {
  const hours =
    completeAfterMs === undefined ? 'never' : `after ${(completeAfterMs / 3_600_000).toFixed(1)} h`;
  console.log(
    `seed ${seed}: ${storedEvents} stored of ${acceptableEvents}, ${dials} dials, complete ${hours}`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '200' },
        from: { type: 'string', default: '1' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        day: { type: 'boolean', default: false },
        ring: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return refuse(errorMessage(error));
  }
}

function wholeNumber(text: string, least = 0): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(`'${text}' is no whole number from ${least} on`);
}

function refuse(why: string): never {
  console.error(`${why.split('\n')[0]} (--help says what there is)`);
  process.exit(2);
}
