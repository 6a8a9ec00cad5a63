/** Runs simulated worlds of git servers: npm run sim:git -- [--from 1] [--seeds 200] */
import { parseArgs } from 'node:util';
import { simulateGitSync } from './simulation.js';

const { values } = parseArgs({
  options: { from: { type: 'string', default: '1' }, seeds: { type: 'string', default: '200' } },
});
const from = Number(values.from);
const count = Number(values.seeds);
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error('npm run sim:git -- [--from 1] [--seeds 200]');
  process.exit(2);
}
const failed: number[] = [];
for (let seed = from; seed < from + count; seed++) {
  const { failures } = await simulateGitSync(seed);
  if (failures.length > 0) {
    failed.push(seed);
    console.log(`seed ${seed}:\n  ${failures.join('\n  ')}`);
  }
  const done = seed - from + 1;
  if (done % 100 === 0 || done === count) console.log(`${done} of ${count} seeds, ${failed.length} failed`);
}
if (failed.length > 0) process.exitCode = 1;
