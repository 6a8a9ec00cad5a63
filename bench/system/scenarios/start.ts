import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Usage } from '../process-usage.js';
import type { RelayProcess } from '../relay-process.js';
import type { Figure, Scenario } from '../scenario.js';
import { machineMs } from '../statistics.js';
import type { World } from '../world.js';

const bytesPerMegabyte = 1e6;

/** How soon a filled relay is ready, and what memory it takes. */
export const startScenario: Scenario = {
  name: 'start',
  about: 'time until a filled relay is ready, and its memory',
  byUrl: false,
  async run(world) {
    const folder = await world.filledFolder();
    const clean = await started(world, folder);
    const killed = await started(world, folder);
    // What a daemon that took all its events since its last clean stop leaves behind when it is killed.
    await rm(join(folder, 'relay', 'index.snapshot'));
    const rebuilt = await started(world, folder);
    const figures: Figure[] = [
      { name: 'ready after a clean stop', value: clean.ms, unit: 'ms' },
      { name: 'resident when all is read', value: clean.residentBytes / bytesPerMegabyte, unit: 'MB' },
      { name: 'ready after kill -9', value: killed.ms, unit: 'ms' },
      { name: 'ready after kill -9, no snapshot', value: rebuilt.ms, unit: 'ms' },
      { name: 'resident when all is read', value: rebuilt.residentBytes / bytesPerMegabyte, unit: 'MB' },
    ];
    return { figures, usage: rebuilt.usage };
  },
};

/** Starts the relay, waits until it has nothing left to do, reads its account and kills it. */
async function started(world: World, folder: string) {
  const startedAt = machineMs();
  const relay = await world.start('relay', folder);
  const ms = machineMs() - startedAt;
  const usage = await restedUsage(relay);
  await relay.kill();
  return { ms, residentBytes: usage?.residentBytes ?? Number.NaN, usage: usage === undefined ? [] : [usage] };
}

/** Most that a relay at rest uses of one core, and how often that is looked at. */
const restShareMax = 0.2;
const restLookMs = 1_000;

/** What the relay has used by the time at which it has taken in what it reads after it is ready. */
async function restedUsage(relay: RelayProcess): Promise<Usage | undefined> {
  for (let before = relay.usage(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, restLookMs));
    const usage = relay.usage();
    if (before === undefined || usage === undefined) return usage;
    const share = ((usage.cpuSeconds - before.cpuSeconds) * 1_000) / restLookMs;
    if (share <= restShareMax) return usage;
    before = usage;
  }
}
