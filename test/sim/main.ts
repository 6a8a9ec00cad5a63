/**
 * Runs the simulated world from the command line.
 *
 *   npm run sim -- --seeds 1000 [--from 1] [--jobs 2]   many worlds; prints the seeds that fail
 *   npm run sim -- --seed 42 [--trace]                  one world again, with all that happens in it
 *   npm run sim -- --day [--seed 1] [--trace]           a day of 100 relays and 100,000 events
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createReferenceKernels } from '../../src/kernels/reference.js';
import { dayScenario, drawScenario, type Scenario } from './scenario.js';
import { runSeeds } from './seed-pool.js';
import { type Outcome, simulate } from './simulation.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    day: { type: 'boolean', default: false },
  },
});

if (values.day) await runOne(dayScenario(wholeNumber(values.seed ?? '1')));
else if (values.seed !== undefined) await runOne(drawScenario(wholeNumber(values.seed)));
else await runMany(wholeNumber(values.from), wholeNumber(values.seeds ?? '200'), wholeNumber(values.jobs));

async function runOne(scenario: Scenario): Promise<void> {
  const begun = performance.now();
  const write = values.trace ? (line: string) => console.log(line) : undefined;
  const outcome = await simulate(scenario, createReferenceKernels(), write);
  tell(outcome);
  const { user, system } = process.cpuUsage();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${seconds} s, ${((user + system) / 1e6).toFixed(1)} s of processor time`);
  if (outcome.failures.length > 0) process.exitCode = 1;
}

async function runMany(from: number, count: number, jobs: number): Promise<void> {
  const begun = performance.now();
  const failed: number[] = [];
  let done = 0;
  await runSeeds(from, count, jobs, (outcome) => {
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

function tell({ seed, failures, storedEvents, acceptableEvents, dials, completeAfterMs }: Outcome): void {
  const hours =
    completeAfterMs === undefined ? 'never' : `after ${(completeAfterMs / 3_600_000).toFixed(1)} h`;
  console.log(
    `seed ${seed}: ${storedEvents} stored of ${acceptableEvents}, ${dials} dials, complete ${hours}`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`'${text}' is no whole number`);
  process.exit(2);
}
