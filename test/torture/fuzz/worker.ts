/**
 * Fuzzes some targets in a process of its own, which its parent may end when it hangs. Called with one argument, the JSON of
 * `WorkerOptions`; writes a `WorkerLine` at a time.
 */
import { seededRandom } from '../../../src/lib/random.js';
import { type FuzzOutcome, fuzz } from './fuzz.js';
import { Guide } from './guide.js';
import type { Target } from './target.js';
import { targets } from './targets.js';
import type { WorkerLine, WorkerOptions } from './worker-lines.js';

/** The share of a target's time in which it is seen what inputs reach. */
const guidedShare = 0.2;
/** As fast as they are looked at, more in one go would look like a worker that hangs. */
const secondMs = 1_000;

// Most inputs are refused, and where is of no matter: to write it down takes more time than to refuse.
Error.stackTraceLimit = 0;

const { seed, ms, names } = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions;
const chosen = targets.filter(({ name }) => names.includes(name));
for (const target of chosen) await run(target, ms / chosen.length);

async function run(target: Target, targetMs: number): Promise<void> {
  const random = seededRandom(seed);
  const begun = performance.now();
  let told = begun;
  const options = (endsAt: number) => ({
    random,
    inputs: Number.POSITIVE_INFINITY,
    mayGoOn: () => performance.now() < endsAt,
    onBatch(inputs: number) {
      if (performance.now() - told < secondMs) return;
      told = performance.now();
      write({ type: 'going', target: target.name, inputs });
    },
  });
  const guided = await guidedRun(target, options(begun + targetMs * guidedShare));
  const { corpus } = guided.outcome;
  const free = await fuzz(target, { ...options(begun + targetMs), corpus });
  const findings = [...guided.outcome.findings, ...free.findings];
  write({
    type: 'done',
    target: target.name,
    inputs: guided.outcome.inputs + free.inputs,
    ms: performance.now() - begun,
    corpus: corpus.length,
    functions: guided.functions,
    findings: findings.map(({ what, input }) => ({ what, hex: input.toString('hex') })),
  });
}

async function guidedRun(
  target: Target,
  options: Parameters<typeof fuzz>[1],
): Promise<{ readonly outcome: FuzzOutcome; readonly functions: number }> {
  using guide = new Guide('/src/');
  const outcome = await fuzz(target, { ...options, guide });
  return { outcome, functions: guide.functions };
}

function write(line: WorkerLine): void {
  console.log(JSON.stringify(line));
}
