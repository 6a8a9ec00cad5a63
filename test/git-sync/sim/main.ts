/** Runs simulated worlds of git servers: npm run sim:git -- [--from 1] [--seeds 200] [--jobs N] */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSeeds } from '../../sim/seed-pool.js';
import type { GitSimOutcome } from './simulation.js';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const [from, count, jobs] = [Number(values.from), Number(values.seeds), Number(values.jobs)];
if (![from, count, jobs].every(Number.isSafeInteger) || count < 1 || jobs < 1) {
  console.error('npm run sim:git -- [--from 1] [--seeds 200] [--jobs N]');
  process.exit(2);
}
const workerFile = fileURLToPath(new URL('./seed-worker.ts', import.meta.url));
const hung = (seed: number, failure: string): GitSimOutcome => {
  return { seed, failures: [failure], fetches: 0, objects: 0 };
};
let [done, failed, fetches] = [0, 0, 0];
await runSeeds({ workerFile, hung }, { from, count, jobs }, (outcome) => {
  done += 1;
  fetches += outcome.fetches;
  if (outcome.failures.length > 0) {
    failed += 1;
    console.log(`seed ${outcome.seed}:\n  ${outcome.failures.join('\n  ')}`);
  }
  if (done % 100 === 0 || done === count)
    console.log(`${done} of ${count} seeds, ${failed} failed, ${fetches} fetches`);
});
if (failed > 0) process.exitCode = 1;
