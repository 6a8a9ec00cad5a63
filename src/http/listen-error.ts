import { errorCode, errorMessage, GraspError } from '../lib/errors.js';

/** Why the port cannot be served; the message is one line for the operator. */
export class ListenError extends GraspError {}

const explanations: Readonly<Record<string, readonly [code: string, why: string]>> = {
  EADDRINUSE: ['address_in_use', 'is in use by another process'],
  EACCES: ['address_forbidden', 'may not be used by this user (ports below 1024 often are reserved)'],
  EADDRNOTAVAIL: ['address_unavailable', 'is no address of this machine'],
  ENOTFOUND: ['address_unavailable', 'names no host that can be found'],
};

/** The `ListenError` for what Node throws. */
export function listenError(address: string, cause: unknown): ListenError {
  const [code, why] = explanations[errorCode(cause)] ?? [
    'listen_failed',
    `cannot be used: ${errorMessage(cause)}`,
  ];
  return new ListenError(code, `the bind address ${address} ${why}`, { cause, details: { address } });
}
