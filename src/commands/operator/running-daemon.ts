import type { Options } from '../../config/options.js';
import { ControlError, controlSocketPath, isDaemonThere } from '../../control/control-socket.js';

/** The socket of the daemon that runs with the data folder of these options; `undefined` where none does. */
export async function runningDaemon({ relayDataPath }: Options): Promise<string | undefined> {
  try {
    const path = controlSocketPath(relayDataPath);
    return (await isDaemonThere(path)) ? path : undefined;
  } catch (error) {
    // Where no socket can be, no daemon has one; that it has the store open is found out soon enough.
    if (error instanceof ControlError) return undefined;
    throw error;
  }
}
