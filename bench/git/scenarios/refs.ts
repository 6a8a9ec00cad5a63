import { Agent, get } from 'node:http';
import { manyRefsShape } from '../generator.js';
import type { GitScenario } from '../scenario.js';
import { byTurns } from '../timing.js';

const roundsPerRound = 20;

export const refsScenario: GitScenario = {
  name: 'refs',
  about: 'info/refs of a repository with many refs, which graspd remembers',
  async run(world) {
    const { refs, rounds } = world.settings;
    const { ours, rivals } = await world.filled('refs', manyRefsShape(refs));
    // One connection each: what is measured is the answer.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const list = async (url: string) => await readAll(`${url}/info/refs?service=git-upload-pack`, agent);
    for (const url of [ours, rivals]) {
      const listed = (await list(url)).toString('latin1').match(/ refs\/heads\//g)?.length;
      // The branch that HEAD stands for may be named in the capabilities too.
      if (listed === undefined || listed < refs) throw new Error(`${url} lists ${listed} refs of ${refs}`);
    }
    const { oursMs, rivalsMs } = await byTurns(
      rounds * roundsPerRound,
      () => list(ours),
      () => list(rivals),
    );
    agent.destroy();
    return [
      { name: 'graspd', value: oursMs, unit: 'ms' },
      { name: 'git http-backend', value: rivalsMs, unit: 'ms' },
      { name: 'graspd is quicker', value: rivalsMs / oursMs, unit: '×', goal: { atLeast: 20 } },
    ];
  },
};

/** The body of an answer, with as little work as can be. */
function readAll(url: string, agent: Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
