import { randomInteger } from '../../../src/lib/random.js';
import { heldWithin } from '../finding.js';
import type { Part } from '../part.js';
import { allSufferings, Ring, type Suffering } from './ring.js';

const daemons = 10;
/** How long the ring may take until it is whole and equal again, on a busy machine. */
const patienceMs = 120_000;
/** The same where connections are left half open, which are found by 90 s of silence. */
const halfOpenPatienceMs = 300_000;

/** A ring of daemons with bad links and a partition that moves. */
export const network: Part = {
  name: 'network',
  about: `${daemons} daemons in a ring with bad links and a moving partition`,
  share: 10,
  async run(run) {
    await using ring = await Ring.start(daemons, run.random);
    if (!(await heldWithin(patienceMs, () => ring.isWhole())))
      throw new Error('the ring does not come to be');
    const filesBefore = await ring.openFiles();
    const longestMs = new Map<string, number>();
    for (let round = 0; round === 0 || run.timeLeft() > 0; round++) {
      run.signal.throwIfAborted();
      // Every other time it is the partition, in another place.
      const kind: Suffering =
        round % 2 === 0
          ? 'partition'
          : (allSufferings[randomInteger(run.random, allSufferings.length)] as Suffering);
      const isLeft = kind === 'silence' || (kind === 'partition' && run.random.next() < 0.2);
      const patience = isLeft ? halfOpenPatienceMs : patienceMs;
      const breaches = await ring.suffer(kind, 3_000 + 12_000 * run.random.next(), isLeft ? 'left' : 'ended');
      run.tried('network-heals');
      for (const breach of breaches) run.broken('network-heals', `round ${round}, ${kind}: ${breach}`);
      const ms = await ring.converge(patience);
      if (ms === undefined)
        run.broken('network-heals', `round ${round}, ${kind}: not equal in ${patience} ms`);
      const name = isLeft ? 'longest with half-open connections' : 'longest';
      longestMs.set(name, Math.max(longestMs.get(name) ?? 0, ms ?? patience));
      run.figure('network-heals', name, seconds(longestMs.get(name) ?? 0));
      run.progress(
        `${kind}${isLeft ? ', half open' : ''}: ${ring.eventCount} events equal after ${seconds(ms ?? patience)}`,
      );
    }
    if (ring.duplicates > 0) run.broken('network-heals', `${ring.duplicates} events were delivered twice`);
    if (!(await heldWithin(patienceMs, () => ring.isWhole())))
      run.broken('network-heals', 'connections are left over, or lack');
    const filesMax = filesBefore + 2 * daemons;
    if (!(await heldWithin(patienceMs, async () => (await ring.openFiles()) <= filesMax)))
      run.broken('flat-memory', `${await ring.openFiles()} open files after ${filesBefore}`);
  },
};

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
