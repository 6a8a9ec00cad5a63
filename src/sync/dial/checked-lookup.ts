import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { GraspError } from '../../lib/errors.js';
import { isPublicAddress } from './address-policy.js';

/** A name or address of an event leads into a private network. */
export class PrivateAddressError extends GraspError {
  constructor(host: string) {
    super('private_address', `${host.slice(0, 255)} is not in the public network`, { details: { host } });
  }
}

/** Resolves a name to all its addresses, as `dns.lookup` with `all` does. */
export type Resolver = (
  host: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export const systemResolver: Resolver = (host, options, callback) =>
  systemLookup(host, { ...options, all: true }, callback);

/**
 * The `lookup` of a socket: it runs when the connection is made, so a name cannot resolve to one address for a check
 * and to another for the connection. Private addresses are left out; a name that has no other fails.
 */
export function checkedLookup(resolve: Resolver): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) return callback(new PrivateAddressError(host), '', 0);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The same without a check, for URLs that may lead anywhere. */
export function uncheckedLookup(resolve: Resolver): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined)
        return callback(error ?? new PrivateAddressError(host), '', 0);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
