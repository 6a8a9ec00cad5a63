import { rm } from 'node:fs/promises';
import { join } from 'node:path';
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
  const usage = await relay.atRest();
  await relay.kill();
  return { ms, residentBytes: usage?.residentBytes ?? Number.NaN, usage: usage === undefined ? [] : [usage] };
}
