import { spawn } from 'node:child_process';
import { limits } from '../../config/limits.js';
import type { Environment } from '../../config/sources/option-sources.js';
import type { InheritedSocket } from '../../http/http-service.js';
import { ListenError } from '../../http/listen-error.js';

/** The first descriptor that is handed over (sd_listen_fds(3)); those below it are the standard ones. */
const firstInheritedDescriptor = 3;

/**
 * The listening socket that systemd, or whoever speaks its protocol, has opened for this process (sd_listen_fds(3)):
 * it stays open from one process to the next, so that connections of the time between wait and are not refused.
 * `undefined` where none is meant for this process. Throws `ListenError` (`several_sockets`) where there are more: graspd
 * serves one port.
 */
export function inheritedSocket(environment: Environment, pid: number): InheritedSocket | undefined {
  const { LISTEN_PID, LISTEN_FDS } = environment;
  if (LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return undefined;
  if (LISTEN_FDS !== '1') {
    throw new ListenError(
      'several_sockets',
      `graspd serves one socket, and was given ${LISTEN_FDS} (LISTEN_FDS)`,
    );
  }
  return { descriptor: firstInheritedDescriptor };
}

/**
 * Tells systemd, where it waits for that (`Type=notify`, sd_notify(3)), that this process is ready, by systemd's own
 * program: Node has no datagram sockets of Unix. Resolves to false where it could not be told, or `signal` came first.
 */
export async function notifyReady(environment: Environment, signal: AbortSignal): Promise<boolean> {
  if (environment.NOTIFY_SOCKET === undefined) return true;
  const child = spawn('systemd-notify', ['--ready'], {
    env: { PATH: environment.PATH, NOTIFY_SOCKET: environment.NOTIFY_SOCKET },
    stdio: 'ignore',
    timeout: limits.serviceNotifyMsMax,
    signal,
  });
  return await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
