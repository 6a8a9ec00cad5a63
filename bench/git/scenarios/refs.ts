import { manyRefsShape } from '../generator.js';
import { HttpConnection } from '../http-connection.js';
import type { GitScenario } from '../scenario.js';
import { byTurns } from '../timing.js';

/** Requests of one turn, one after the other: a server that is asked once in a while is slowed down by all else. */
const requestsPerTurn = 20;

export const refsScenario: GitScenario = {
  name: 'refs',
  about: 'info/refs of a repository with many refs, which graspd remembers',
  async run(world) {
    const { refs, rounds } = world.settings;
    const { ours, rivals } = await world.filled('refs', manyRefsShape(refs));
    const opened = async (url: string) => {
      const path = `${url}/info/refs?service=git-upload-pack`;
      const count = (await (await fetch(path)).text()).match(/ refs\/heads\//g)?.length ?? 0;
      if (count < refs) throw new Error(`${url} lists ${count} refs of ${refs}`);
      const connection = await HttpConnection.open(url);
      return { connection, list: async () => await connection.get(path) };
    };
    const [graspd, rival] = [await opened(ours), await opened(rivals)];
    const again = async (list: () => Promise<unknown>) => {
      for (let request = 0; request < requestsPerTurn; request += 1) await list();
    };
    const times = await byTurns(
      rounds * 2,
      () => again(graspd.list),
      () => again(rival.list),
    );
    const [oursMs, rivalsMs] = [times.oursMs / requestsPerTurn, times.rivalsMs / requestsPerTurn];
    graspd.connection.close();
    rival.connection.close();
    return [
      { name: 'graspd', value: oursMs, unit: 'ms' },
      { name: 'git http-backend', value: rivalsMs, unit: 'ms' },
      { name: 'graspd is quicker', value: rivalsMs / oursMs, unit: '×', goal: { atLeast: 20 } },
    ];
  },
};
