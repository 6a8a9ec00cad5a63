import { isIP, isIPv4 } from 'node:net';

/** An address to listen at: an IP without brackets, and a port (0 lets the system choose one). */
export type BindAddress = { readonly host: string; readonly port: number };

/** `ip:port`, an IPv6 address in brackets. */
export function formatBindAddress(address: BindAddress): string {
  return isIPv4(address.host) ? `${address.host}:${address.port}` : `[${address.host}]:${address.port}`;
}

/** Reads `ip:port` or `[ipv6]:port`; `undefined` when it is neither. */
export function parseBindAddress(text: string): BindAddress | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(portText);
  if (isIP(host) !== (bracketed === undefined ? 4 : 6) || !(port <= 65535)) return undefined;
  return { host, port };
}

/** Whether an IP address is one that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  const mapped = /^\[::ffff:7f/;
  const url = new URL(`http://[${host}]`);
  return url.hostname === '[::1]' || mapped.test(url.hostname);
}

/** Whether a domain is a name or address that only this machine reaches. */
export function isLoopbackDomain(domain: string): boolean {
  const { hostname } = new URL(`ws://${domain}`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || (isIP(host) !== 0 && isLoopback(host));
}

/** Reads `host` or `host:port` in its one spelling (lower case); `undefined` when it is neither. */
export function parseDomain(text: string): string | undefined {
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\]+)(?::\d{1,5})?$/.test(text)) return undefined;
  if (!URL.canParse(`ws://${text}`)) return undefined;
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  const { hostname } = new URL(`ws://${text}`);
  // The port is kept as written: the default port of the scheme would otherwise vanish, and the domain has no scheme.
  return port === undefined ? hostname : `${hostname}:${Number(port)}`;
}

/** Reads a relay's URL; without a scheme it means `wss:`. `undefined` when it is none. */
export function parseRelayUrl(text: string): string | undefined {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `wss://${text}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return (protocol === 'ws:' || protocol === 'wss:') && hostname !== '' ? url : undefined;
}
