import type { Options } from '../../config/options.js';
import { ControlServer } from '../../control/control-server.js';
import { controlSocketPath } from '../../control/control-socket.js';
import { errorMessage } from '../../lib/errors.js';
import type { Surroundings } from '../surroundings.js';
import { type ControlParts, controlRoutes } from './control-routes.js';

/**
 * Lets the operator's commands ask a daemon, on a socket in the data folder; one that keeps nothing on disk has none. Where
 * the socket cannot be made the daemon runs without, and says so.
 */
export async function serveControl(
  { databaseBackend, relayDataPath }: Options,
  parts: ControlParts,
  { logger, clock, faults }: Surroundings,
): Promise<ControlServer | undefined> {
  if (databaseBackend === 'memory') return undefined;
  const server = new ControlServer(controlRoutes(parts), clock, (error) => faults.note('request', error));
  try {
    await server.listen(controlSocketPath(relayDataPath));
    return server;
  } catch (error) {
    logger.warn(
      { error: errorMessage(error) },
      'commands cannot reach this daemon: it has no control socket',
    );
    return undefined;
  }
}
