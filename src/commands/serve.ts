import { startDaemon } from '../daemon/daemon.js';
import { systemSurroundings } from '../daemon/surroundings.js';
import { acceptClosingFlag, acceptedClosing } from './accept-closing.js';
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
  flags: [acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const options = invocation.readOptions();
    const accepted = acceptedClosing(invocation);
    const surroundings = systemSurroundings(options.logLevel ?? 'info', 1);
    await using daemon = await startDaemon(options, surroundings, accepted);
    await Promise.race([daemon.closed, aborted(invocation.signal)]);
    return 0;
  },
};
