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
