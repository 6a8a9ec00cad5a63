/** A process of the seed pool: runs the seed that it is sent and sends back how it went. */
import { simulateNodes } from './simulation.js';

process.on('message', async (seed: number) => {
  process.send?.(await simulateNodes(seed));
});
