import { destination } from 'pino';
import { startDaemon } from '../daemon/daemon.js';
import { createLogger } from '../daemon/logger.js';
import { systemClock } from '../lib/clock.js';
import { systemRandom } from '../lib/random.js';
import type { Command } from './command.js';
import { aborted } from './signals.js';

/** Runs the daemon until the process is asked to end, or the store fails. */
export const serve: Command = {
  name: 'serve',
  summary: 'Run the relay (this is what graspd does without a command)',
  details: 'The exit code is 0 after SIGTERM or SIGINT, and 1 when the relay cannot start or go on.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [],
  takesOptions: true,
  async run({ readOptions, signal }) {
    const options = readOptions();
    const logger = createLogger(options.logLevel, destination(1));
    await using daemon = await startDaemon(options, { logger, clock: systemClock, random: systemRandom });
    await Promise.race([daemon.closed, aborted(signal)]);
    return 0;
  },
};
