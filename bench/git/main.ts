/**
 * The git bench: graspd beside `git http-backend` in one run, real processes and the real git, on loopback.
 *
 *   npm run bench:git -- [--scenario A,B] [--megabytes N] …   (--help for all)
 */
import { writeFileSync } from 'node:fs';
import { formatJson, formatResult, type GitResult } from './report.js';
import type { GitScenario } from './scenario.js';
import { agreeScenario } from './scenarios/agree.js';
import { cloneLargeScenario, cloneSmallScenario, manyClonesScenario } from './scenarios/clone.js';
import { fiveMaintainersScenario } from './scenarios/five-maintainers.js';
import { pushCommitScenario, pushLargeScenario } from './scenarios/push.js';
import { refsScenario } from './scenarios/refs.js';
import { largeStateScenario, restoreScenario } from './scenarios/restore.js';
import { type GitBenchSettings, readSettings, usage } from './settings.js';
import { GitWorld } from './world.js';

/** All scenarios, in the order in which they run. */
const scenarios: readonly GitScenario[] = [
  pushLargeScenario,
  cloneLargeScenario,
  manyClonesScenario,
  cloneSmallScenario,
  refsScenario,
  pushCommitScenario,
  restoreScenario,
  largeStateScenario,
  agreeScenario,
  fiveMaintainersScenario,
];

function chosen({ scenarios: names }: GitBenchSettings): readonly GitScenario[] {
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `no such scenario: ${unknown}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
    );
  }
  return scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function main(settings: GitBenchSettings): Promise<void> {
  const selected = chosen(settings);
  await using world = await GitWorld.create(settings);
  const results: GitResult[] = [];
  for (const { name, about, run } of selected) {
    process.stderr.write(`${name} …\n`);
    const result = { scenario: name, about, figures: await run(world) };
    console.log(`${formatResult(result)}\n`);
    results.push(result);
    // After each, so that a run that is broken off leaves what it has.
    if (settings.json !== undefined) writeFileSync(settings.json, formatJson(results));
  }
}

const settings = readSettings(process.argv.slice(2));
if (settings === undefined) process.stdout.write(usage);
else await main(settings);
