import type { Part } from '../part.js';
import { PortTorture } from './port.js';

/** Rounds between two words about how far it is. */
const roundsPerWord = 200;

/** Speaks nearly right NIP-01, 42, 45, 77, WebSocket, HTTP and git at the port of a real daemon. */
export const portPart: Part = {
  name: 'port',
  about: 'the port hears what is nearly right',
  share: 6,
  async run(run) {
    await using torture = await PortTorture.start(run.random, run);
    let rounds = 0;
    do {
      await torture.round();
      rounds += 1;
      if (rounds % roundsPerWord === 0) run.progress(`${rounds} rounds`);
    } while (run.timeLeft() > 0 && !run.signal.aborted);
    await torture.look();
    run.progress(`${rounds} rounds`);
  },
};
