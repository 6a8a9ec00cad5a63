import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * The group of connections that come from this machine, or from a trusted proxy that did not say for whom: who is behind
 * them cannot be told, so no limit of one address applies to it.
 */
export const localAddressGroup = 'local';

/** Who a client counts for where places are shared, by its group; `undefined` where that cannot be told. */
export function partyOf(addressGroup: string): string | undefined {
  return addressGroup === localAddressGroup ? undefined : addressGroup;
}

/** Bits of an IPv6 address that one subscriber commonly has for itself. */
const ipv6PrefixBits = 64;

/**
 * The group to which an IP address belongs where clients are limited by address: an IPv4 address is its own, also where
 * it is written as IPv6 (`::ffff:192.0.2.1`); an IPv6 address stands for its /64 (`2001:db8:0:1::/64`), of which a
 * client has all addresses. Loopback is `localAddressGroup`. What is no address is a group by itself.
 */
export function addressGroupOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === undefined) return 'unknown';
  if (parsed.range() === 'loopback') return localAddressGroup;
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/${ipv6PrefixBits}`)}/${ipv6PrefixBits}`;
}

/** An IP address without its zone, IPv4 where it only wraps that; `undefined` when it is none. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [bare = ''] = text.split('%', 1);
  // ipaddr.js also reads octal, hexadecimal and short spellings, which nobody who reports an address writes.
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare);
}
