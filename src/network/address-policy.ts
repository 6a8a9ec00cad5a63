import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { limits } from '../config/limits.js';
import { GraspError } from '../lib/errors.js';

/** All of IPv6 that is given out as global unicast (RFC 4291); what is outside may wrap an address of IPv4, as `::10.0.0.1` does. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/**
 * Whether an IP address is out in the public network (docs/sync.md §1): global unicast, and nothing else. What only
 * wraps another address (IPv4-mapped, NAT64, 6to4, Teredo) is refused too: no relay is reached that way, and it cannot
 * be told where it leads.
 */
export function isPublicAddress(address: string): boolean {
  const [bare = ''] = address.replace(/^\[(.*)\]$/, '$1').split('%', 1);
  if (!ipaddr.isValid(bare)) return false;
  const parsed = ipaddr.parse(bare);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast);
}

/** Whether the host of a URL is an IP address, so that there is no name to resolve. */
export function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[(.*)\]$/, '$1'));
}

/**
 * Top-level names that mean nothing in the public DNS (RFC 2606, 6761, 6762, 7686, 9476 and ICANN's `internal`): looked up
 * there, they would tell resolvers and networks between what is asked for, or lead into the operator's own network.
 */
const specialNames: ReadonlySet<string> = new Set([
  'onion',
  'i2p',
  'local',
  'invalid',
  'test',
  'example',
  'internal',
  'alt',
]);

/** Whether a host of a URL is a name that must not be looked up in DNS. */
export function isSpecialName(host: string): boolean {
  return specialNames.has(topLevelOf(host));
}

/** Whether a host is a service of Tor, which is reached by a proxy only. */
export function isOnionName(host: string): boolean {
  return topLevelOf(host) === 'onion';
}

function topLevelOf(host: string): string {
  const end = host.endsWith('.') ? host.length - 1 : host.length;
  return host.slice(host.lastIndexOf('.', end - 1) + 1, end).toLowerCase();
}

/** A URL from an event leads into a private network. */
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

/** Asks the system, in one of a few threads: for names of the operator only (`dns-resolver.ts` has those of strangers). */
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
      const allowed = fewOf(addresses.filter(({ address }) => isPublicAddress(address)));
      const [first] = allowed;
      if (first === undefined) return callback(new PrivateAddressError(host), '', 0);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The same without the check, for URLs that may lead into private networks too. */
export function uncheckedLookup(resolve: Resolver): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined)
        return callback(error ?? new PrivateAddressError(host), '', 0);
      if (options.all === true) callback(null, fewOf(addresses));
      else callback(null, first.address, first.family);
    });
  };
}

/** The first addresses of each family: a name that has thousands must not make us try them all. */
function fewOf(addresses: readonly LookupAddress[]): LookupAddress[] {
  const few = (wanted: number) =>
    addresses.filter(({ family }) => family === wanted).slice(0, limits.nameAddressesMax);
  return [...few(4), ...few(6)];
}
