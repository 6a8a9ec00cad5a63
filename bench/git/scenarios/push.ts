import { smallest } from '../../../src/lib/collections/lists.js';
import { bytesOf, largeShape, smallShape } from '../generator.js';
import { commitUpon } from '../git.js';
import { MemoryWatch } from '../memory-watch.js';
import type { GitScenario } from '../scenario.js';
import { timed } from '../timing.js';

const bytesPerMegabyte = 1_000_000;
const roundsPerRound = 4;

export const pushLargeScenario: GitScenario = {
  name: 'push-large',
  about: 'the first push of the large repository',
  async run(world) {
    const shape = largeShape(world.settings.megabytes);
    const project = await world.announce('pushed-large', shape);
    await world.state(project);
    const memory = new MemoryWatch(world.relay);
    const oursMs = await timed(() => world.push(project, project.ours));
    const grown = memory.end() / bytesPerMegabyte;
    const rivalsMs = await timed(() => world.push(project, project.rivals));
    const rate = (ms: number) => bytesOf(shape) / bytesPerMegabyte / (ms / 1_000);
    return [
      { name: 'graspd', value: rate(oursMs), unit: 'MB/s' },
      { name: 'git http-backend', value: rate(rivalsMs), unit: 'MB/s' },
      { name: 'resident memory grew by', value: grown, unit: 'MB', goal: { atMost: 50 } },
    ];
  },
};

export const pushCommitScenario: GitScenario = {
  name: 'push-commit',
  about: 'a push of one commit, whose state was published before',
  async run(world) {
    const project = await world.announce('pushed', smallShape);
    await world.state(project);
    await world.push(project, project.ours);
    await world.push(project, project.rivals);
    const [ours, rivals]: [number[], number[]] = [[], []];
    for (let round = 0; round < world.settings.rounds * roundsPerRound; round += 1) {
      await commitUpon(project.source, round);
      await world.state(project);
      ours.push(await timed(() => world.push(project, project.ours)));
      rivals.push(await timed(() => world.push(project, project.rivals)));
    }
    const [oursMs, rivalsMs] = [smallest(ours), smallest(rivals)];
    return [
      { name: 'graspd', value: oursMs, unit: 'ms' },
      { name: 'git http-backend', value: rivalsMs, unit: 'ms' },
      { name: 'graspd takes', value: oursMs / rivalsMs, unit: '×', goal: { atMost: 1.3 } },
    ];
  },
};
