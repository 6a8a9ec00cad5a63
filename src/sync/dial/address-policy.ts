import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address is out in the public network (docs/sync.md §1): global unicast, and nothing else. What only
 * wraps another address (IPv4-mapped, NAT64, 6to4, Teredo) is refused too: no relay is reached that way, and what it
 * leads to is not to be told.
 */
export function isPublicAddress(address: string): boolean {
  const [bare = ''] = address.replace(/^\[(.*)\]$/, '$1').split('%', 1);
  if (!ipaddr.isValid(bare)) return false;
  return ipaddr.parse(bare).range() === 'unicast';
}

/** Whether a host of a URL is an IP address and no name; then nothing is resolved, and it is looked at as it is. */
export function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[(.*)\]$/, '$1'));
}
