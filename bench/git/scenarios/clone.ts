import type { ThreadTimes } from '../../system/process-usage.js';
import { bytesOf, largeShape, smallShape } from '../generator.js';
import { MemoryWatch } from '../memory-watch.js';
import type { GitFigure, GitScenario } from '../scenario.js';
import { byTurns, clone, type LeastTimes, timed } from '../timing.js';

const bytesPerMegabyte = 1_000_000;

export const cloneLargeScenario: GitScenario = {
  name: 'clone-large',
  about: 'clones of the large repository',
  async run(world) {
    const { ours, rivals } = await world.large();
    const bytes = bytesOf(largeShape(world.settings.megabytes));
    const memory = new MemoryWatch(world.relay);
    await clone(world, ours);
    const grown = memory.end() / bytesPerMegabyte;
    const times = await byTurns(
      world.settings.rounds,
      () => clone(world, ours),
      () => clone(world, rivals),
    );
    const rate = (ms: number) => bytes / bytesPerMegabyte / (ms / 1_000);
    return [
      { name: 'graspd', value: rate(times.oursMs), unit: 'MB/s' },
      { name: 'git http-backend', value: rate(times.rivalsMs), unit: 'MB/s' },
      throughputRatio(times),
      { name: 'resident memory grew by', value: grown, unit: 'MB', goal: { atMost: 50 } },
    ];
  },
};

export const cloneSmallScenario: GitScenario = {
  name: 'clone-small',
  about: 'clones of a small repository',
  async run(world) {
    const { ours, rivals } = await world.filled('small', smallShape);
    const times = await byTurns(
      world.settings.rounds * 4,
      () => clone(world, ours),
      () => clone(world, rivals),
    );
    return [
      { name: 'graspd', value: times.oursMs, unit: 'ms' },
      { name: 'git http-backend', value: times.rivalsMs, unit: 'ms' },
      throughputRatio(times),
    ];
  },
};

export const manyClonesScenario: GitScenario = {
  name: 'many-clones',
  about: 'clones of the large repository at once',
  async run(world) {
    const { ours, rivals } = await world.large();
    const all = async (url: string) => {
      const one = () => clone(world, url, { givesWay: true });
      await Promise.all(Array.from({ length: world.settings.clones }, one));
    };
    // Reading it begins a new span of the delays.
    await world.relay.metrics();
    const before = world.relay.mainThread();
    const oursMs = await timed(() => all(ours));
    const after = world.relay.mainThread();
    const metric = await world.relay.metrics();
    const since = (what: keyof ThreadTimes) => ((after?.[what] ?? 0) - (before?.[what] ?? 0)) / 1_000;
    const rivalsMs = await timed(() => all(rivals));
    return [
      { name: 'graspd', value: oursMs / 1_000, unit: 's' },
      { name: 'git http-backend', value: rivalsMs / 1_000, unit: 's' },
      {
        name: 'event loop delay p99',
        value: metric('nodejs_eventloop_lag_p99_seconds') * 1_000,
        unit: 'ms',
        goal: { atMost: 20 },
      },
      // Where it waited long, the delay is that of a machine with too few cores for so many clients.
      { name: '… the main thread computed', value: since('computedMs'), unit: 's' },
      { name: '… and waited for a core', value: since('waitedMs'), unit: 's' },
    ];
  },
};

function throughputRatio({ oursMs, rivalsMs }: LeastTimes): GitFigure {
  return { name: 'throughput of graspd', value: rivalsMs / oursMs, unit: '×', goal: { atLeast: 0.95 } };
}
