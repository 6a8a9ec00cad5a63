import { connect } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { deferred } from '../lib/abort.js';
import { errorCode, GraspError } from '../lib/errors.js';

/** The daemon cannot be asked; the message is one line for the operator. */
export class ControlError extends GraspError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** What the system takes as the path of a Unix socket, in bytes (`sun_path`, the shortest of those in use). */
const pathBytesMax = 103;

/**
 * The Unix socket on which a running daemon is asked and told, in its data folder: who may open that, may do so. Long paths
 * are given relative to the working directory. Throws `ControlError` where the system takes neither.
 */
export function controlSocketPath(dataPath: string): string {
  const path = join(resolve(dataPath), 'control.sock');
  const shortest = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length)[0] as string;
  if (Buffer.byteLength(shortest) > pathBytesMax) {
    throw new ControlError(
      'control_path',
      `the path ${path} is too long for a socket; start in a folder nearer to it`,
    );
  }
  return shortest;
}

/**
 * Whether a daemon answers at that path, or there is one that may not be asked: a socket alone may have been left by one that
 * was killed.
 */
export async function isDaemonThere(path: string): Promise<boolean> {
  const { promise, resolve: settle } = deferred<boolean>();
  const socket = connect({ path });
  socket.once('connect', () => settle(true));
  socket.once('error', (error) => settle(errorCode(error) === 'EACCES'));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
