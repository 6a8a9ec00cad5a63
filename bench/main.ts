/**
 * The bench suite: candidate, reference, rivals and the machine's floor in one process and one run.
 *
 *   npm run bench -- [topic …] [--small] [--json FILE] [--svg FOLDER] [--check] [--write-baseline]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { append } from '../src/lib/collections/lists.js';
import { findRegressions, readBaseline, writeBaseline } from './baseline.js';
import { chartsOf, plot } from './growth.js';
import { liveSetTopic } from './live-set.bench.js';
import { matchTopic } from './match.bench.js';
import { measureWork, type Result } from './measure.js';
import { queryTopic } from './query.bench.js';
import { reconcileTopic } from './reconcile.bench.js';
import { recordSetTopic } from './record-set.bench.js';
import { formatWork } from './report.js';
import { drawSvg } from './svg.js';
import { syncFilterTopic } from './sync-filter.bench.js';
import type { Scale, Topic, Work } from './topic.js';

const topics: readonly Topic[] = [
  recordSetTopic,
  liveSetTopic,
  reconcileTopic,
  matchTopic,
  queryTopic,
  syncFilterTopic,
];

/** A ratio counts as worse only when it is so this many times in a row. */
const checkAttemptsMax = 4;
/** From so many runs the baseline is drawn. */
const baselineRuns = 7;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    small: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    'write-baseline': { type: 'boolean', default: false },
    json: { type: 'string' },
    svg: { type: 'string' },
  },
});

/** Measures a work, again when it is to be checked and came out worse than the baseline allows. */
async function runWork(topic: Topic, work: Work, scale: Scale, regressions: string[]): Promise<Result[]> {
  const baseline = flags.check ? readBaseline() : [];
  for (let attempt = 1; ; attempt++) {
    const results = await measureWork(topic.name, work, scale);
    const worse = findRegressions(results, baseline);
    if (worse.length > 0 && attempt < checkAttemptsMax) continue;
    append(regressions, worse);
    return results;
  }
}

/** Further runs of a work, for the baseline. */
async function runAgain(topic: Topic, work: Work, scale: Scale): Promise<Result[][]> {
  const runs: Result[][] = [];
  while (runs.length < baselineRuns - 1) runs.push(await measureWork(topic.name, work, scale));
  return runs;
}

/** Draws how times grow with n, on the terminal and, if asked for, as a file for each work. */
function showGrowth(results: readonly Result[]): void {
  const folder = flags.svg;
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  for (const chart of chartsOf(results)) {
    console.log(`${plot(chart)}\n`);
    const name = chart.title.replaceAll(/[^a-z0-9]+/gi, '-');
    if (folder !== undefined) writeFileSync(join(folder, `${name}.svg`), drawSvg(chart));
  }
}

async function main(): Promise<void> {
  const scale: Scale = flags.small ? 'small' : 'full';
  const unknown = positionals.filter((name) => !topics.some((topic) => topic.name === name));
  if (unknown.length > 0)
    throw new Error(
      `no such topic: ${unknown.join(', ')}; there are ${topics.map(({ name }) => name).join(', ')}`,
    );
  const results: Result[] = [];
  const regressions: string[] = [];
  const furtherRuns: Result[][] = [];
  for (const topic of topics) {
    if (positionals.length > 0 && !positionals.includes(topic.name)) continue;
    for await (const work of topic.works(scale)) {
      const measured = await runWork(topic, work, scale, regressions);
      console.log(`${formatWork(measured)}\n`);
      append(results, measured);
      if (flags['write-baseline']) append(furtherRuns, await runAgain(topic, work, scale));
    }
  }
  showGrowth(results);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ scale, results }, null, 2)}\n`);
  if (flags['write-baseline']) writeBaseline([results, ...furtherRuns]);
  for (const line of regressions) console.error(`worse: ${line}`);
  if (regressions.length > 0) process.exitCode = 1;
}

await main();
