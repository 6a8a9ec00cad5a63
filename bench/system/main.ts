/**
 * The system bench: real processes, real sockets, on loopback.
 *
 *   npm run bench:system -- [--events N] [--scenario A,B] …   (--help for all)
 */
import { writeFileSync } from 'node:fs';
import { append } from '../../src/lib/collections/lists.js';
import { formatJson, formatResult, type Result } from './report.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { type BenchSettings, growthEvents, readSettings, usage } from './settings.js';
import { formatSvg } from './svg.js';
import { World } from './world.js';

function chosen({ scenarios: names, url }: BenchSettings): Scenario[] {
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `no such scenario: ${unknown}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
    );
  }
  return scenarios.filter(
    ({ name, byUrl }) => (names.length === 0 || names.includes(name)) && (url === undefined || byUrl),
  );
}

async function measure(settings: BenchSettings): Promise<Result[]> {
  await using world = await World.create(settings);
  const { events, signatures, url } = settings;
  const results: Result[] = [];
  for (const scenario of chosen(settings)) {
    const { name, about } = scenario;
    const obstacle = scenario.obstacle?.();
    process.stderr.write(obstacle === undefined ? `${name} …\n` : `${name}: skipped, ${obstacle}\n`);
    if (obstacle !== undefined) continue;
    const result = { scenario: name, about, events, signatures, url, ...(await scenario.run(world)) };
    console.log(`${formatResult(result)}\n`);
    results.push(result);
  }
  return results;
}

async function main(settings: BenchSettings): Promise<void> {
  const results: Result[] = [];
  for (const events of settings.growth ? growthEvents : [settings.events]) {
    append(results, await measure({ ...settings, events }));
    // After each size, so that a run that is broken off leaves what it has.
    if (settings.json !== undefined) writeFileSync(settings.json, formatJson(results));
    if (settings.svg !== undefined) writeFileSync(settings.svg, formatSvg(results));
  }
}

const settings = readSettings(process.argv.slice(2));
if (settings === undefined) process.stdout.write(usage);
else await main(settings);
