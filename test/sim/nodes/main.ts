/** Runs simulated nodes on one database: npm run sim:nodes -- [--from 1] [--seeds 200] [--jobs N], or --seed N [--trace] */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSeeds } from '../seed-pool.js';
import { type NodesOutcome, simulateNodes } from './simulation.js';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const [from, count, jobs] = [Number(values.seed ?? values.from), Number(values.seeds), Number(values.jobs)];
if (![from, count, jobs].every(Number.isSafeInteger) || count < 1 || jobs < 1) {
  console.error('npm run sim:nodes -- [--from 1] [--seeds 200] [--jobs N], or --seed N [--trace]');
  process.exit(2);
}
const figures = ['acknowledged', 'takeovers', 'compactions', 'late', 'stale'] as const;
const sums = new Map<string, number>();
let [done, failed] = [0, 0];

function tell(outcome: NodesOutcome): void {
  done += 1;
  for (const figure of figures) sums.set(figure, (sums.get(figure) ?? 0) + outcome[figure]);
  if (outcome.failures.length > 0) {
    failed += 1;
    console.log(`seed ${outcome.seed}:\n  ${outcome.failures.join('\n  ')}`);
  }
}

if (values.seed !== undefined) {
  tell(await simulateNodes(from, values.trace ? (line) => console.log(line) : undefined));
} else {
  const workerFile = fileURLToPath(new URL('./seed-worker.ts', import.meta.url));
  const none = { acknowledged: 0, takeovers: 0, compactions: 0, late: 0, stale: 0 };
  const hung = (seed: number, failure: string): NodesOutcome => ({ seed, failures: [failure], ...none });
  await runSeeds({ workerFile, hung }, { from, count, jobs }, (outcome) => {
    tell(outcome);
    if (done % 100 === 0) console.log(`${done} of ${count} seeds, ${failed} failed`);
  });
}
const said = [...sums].map(([figure, sum]) => `${sum} ${figure}`).join(', ');
console.log(`${done} seeds, ${failed} failed: ${said}`);
if (failed > 0) process.exitCode = 1;
