import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { exceeds } from './limit-use.js';
import { urlOf } from './url.js';

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

/** Reads a network in CIDR notation, or one address, in its one spelling; `undefined` when it is neither. */
export function parseNetwork(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const network = `${address}/${bits ?? (version === 4 ? 32 : 128)}`;
  return ipaddr.isValidCIDR(network) ? ipaddr.parseCIDR(network).join('/') : undefined;
}

/** Whether an IP address is one that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  const mapped = /^\[::ffff:7f/;
  const url = new URL(`http://[${host}]`);
  return url.hostname === '[::1]' || mapped.test(url.hostname);
}

/** Whether a host, a name or an address without brackets, is one that only this machine reaches (RFC 6761 §6.3). */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || (isIP(host) !== 0 && isLoopback(host));
}

/** Whether a domain is a name or address that only this machine reaches. */
export function isLoopbackDomain(domain: string): boolean {
  const { hostname } = new URL(`ws://${domain}`);
  return isLoopbackHost(hostname.replace(/^\[(.*)\]$/, '$1'));
}

/** Characters of a name in DNS (RFC 1035 §3.1). */
const domainCharsMax = 253;

/** Reads `host` or `host:port` in its one spelling (lower case); `undefined` when it is neither. */
export function parseDomain(text: string): string | undefined {
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\]+)(?::\d{1,5})?$/.test(text)) return undefined;
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  const hostname = urlOf(`ws://${text}`)?.hostname;
  if (hostname === undefined || hostname.length > domainCharsMax) return undefined;
  // The port is kept as written: the default port of the scheme would otherwise vanish, and the domain has no scheme.
  return port === undefined ? hostname : `${hostname}:${Number(port)}`;
}

/** What stands before a path in a URL without a scheme: a host, and perhaps a port. */
const authority = /^(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\]+)(?::\d{1,5})?(?=[/?#]|$)/;
const scheme = /^([a-z][a-z0-9+.-]*):\/\//i;

/** Reads a relay's URL; without a scheme it means `wss:`. `undefined` when it is none. */
export function parseRelayUrl(text: string): string | undefined {
  return readUrl(text, ['ws', 'wss'], 'wss');
}

/** Reads a URL of the web (`http:` or `https:`); `undefined` when it is none. */
export function parseWebUrl(text: string): string | undefined {
  return readUrl(text, ['https', 'http'], undefined);
}

/** Reads the URL of a SOCKS proxy that looks names up itself (`socks5h:`); `undefined` when it is none. */
export function parseSocksProxyUrl(text: string): string | undefined {
  return readUrl(text, ['socks5h'], undefined);
}

/**
 * The parser of URLs mends much (`ws:/x` behind another scheme becomes a host `ws`); an operator is better told. So
 * what follows the scheme has to look like a host before it is parsed.
 */
function readUrl(text: string, schemes: readonly string[], implied: string | undefined): string | undefined {
  if (exceeds('urlCharsMax', text.length)) return undefined;
  const written = scheme.exec(text);
  const used = written?.[1]?.toLowerCase() ?? implied;
  const rest = text.slice(written?.[0].length ?? 0);
  if (used === undefined || !schemes.includes(used) || !authority.test(rest)) return undefined;
  const url = `${used}://${rest}`;
  // With the scheme that is implied it is longer.
  return exceeds('urlCharsMax', url.length) || urlOf(url) === undefined ? undefined : url;
}
