import { DaemonProcess, type DaemonProcessOptions } from '../daemon-process.js';

/** What black-box tests speak to over its sockets: one graspd, or several that are one service. */
export type Service = AsyncDisposable &
  Pick<
    DaemonProcess,
    'url' | 'port' | 'directory' | 'log' | 'takeLog' | 'exited' | 'kill' | 'get' | 'metric'
  >;

/** One that is started again with the directory and the port of another, which has ended, goes on with what that had. */
export type ServiceOptions = Pick<DaemonProcessOptions, 'flags' | 'environment' | 'directory' | 'port'>;

/** How services are run. */
export type ServiceKind = {
  readonly start: (options: ServiceOptions) => Promise<Service>;
  /** How long it may take until what was published, or pushed, is served on every other connection, in milliseconds. */
  readonly servedWithinMs: number;
};

let kind: ServiceKind = { start: (options) => DaemonProcess.start(options), servedWithinMs: 0 };

/** Has all services that are started from now on be of another kind than a single daemon. */
export function runServicesAs(other: ServiceKind): void {
  kind = other;
}

/** As that of the kind of services. */
export function servedWithinMs(): number {
  return kind.servedWithinMs;
}

/** Starts a service; resolves when it serves. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  return await kind.start(options);
}
