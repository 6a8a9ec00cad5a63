import { importEvents } from '../relay-process.js';
import { rate, type Scenario } from '../scenario.js';
import { machineMs } from '../statistics.js';

/** `graspd import` of JSONL into an empty store, by the same door as all events. */
export const importScenario: Scenario = {
  name: 'import',
  about: 'import of JSON lines, ids and signatures checked',
  byUrl: false,
  async run(world) {
    const { file, settings } = world;
    const folder = world.emptyFolder();
    const startedAt = machineMs();
    const { usage, report } = await importEvents(file.stream(), { folder, ...settings });
    const ms = machineMs() - startedAt;
    if (!report.includes(`${file.events} stored`)) throw new Error(`not all were stored: ${report}`);
    return {
      figures: [{ name: 'import', value: rate(file.events, ms), unit: 'events/s' }],
      usage: usage === undefined ? [] : [usage],
    };
  },
};
