import { secondMs } from '../../src/lib/clock.js';
import { randomInteger } from '../../src/lib/random.js';
import { simulateRing } from '../sim/ring/ring.js';
import { drawRing } from '../sim/ring/ring-scenario.js';
import type { Part } from './part.js';

/** Hours of a ring in simulated time, one seed after the other. */
export const simulatedRing: Part = {
  name: 'ring',
  about: 'hours of ten daemons in a ring in simulated time, with bad links, a moving partition and crashes',
  share: 3,
  async run(run) {
    let longestMs = 0;
    let hours = 0;
    do {
      const seed = randomInteger(run.random, 2 ** 20);
      const outcome = await simulateRing(drawRing(seed), undefined, run.signal);
      hours += 1;
      run.tried('network-heals', outcome.partitions);
      for (const failure of outcome.failures)
        run.broken('network-heals', `npm run sim -- --ring --seed ${seed}: ${failure}`);
      longestMs = Math.max(longestMs, outcome.equalAfterMs ?? Number.POSITIVE_INFINITY);
      run.figure('network-heals', 'simulated hours', String(hours));
      run.figure('network-heals', 'longest in simulated time', `${(longestMs / secondMs).toFixed(0)} s`);
      run.progress(`seed ${seed}: ${outcome.acknowledged} events, ${outcome.partitions} partitions`);
    } while (run.timeLeft() > 0);
  },
};
