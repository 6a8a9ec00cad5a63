import { isIP, isIPv6 } from 'node:net';
import { isLoopbackHost } from '../config/host.js';
import { exceeds } from '../config/limit-use.js';
import { urlOf } from '../config/url.js';
import { addressGroupOf } from '../lib/budgets/address-group.js';
import { GraspError } from '../lib/errors.js';

/** A text that is no relay URL; the message says why. */
export class InvalidRelayUrlError extends GraspError {
  constructor(text: string, why: string) {
    super('invalid_relay_url', `'${text.slice(0, 200)}' is no relay URL: ${why}`);
  }
}

function parseUrl(text: string): URL | undefined {
  return exceeds('urlCharsMax', text.length) ? undefined : urlOf(text);
}

/** Without the characters `end` at its end: one pass, where a regular expression takes quadratic time on bad input. */
function trimEnd(text: string, end: string): string {
  let length = text.length;
  while (length > 0 && text[length - 1] === end) length -= 1;
  return text.slice(0, length);
}

/**
 * The one spelling of a relay URL, so that one relay is one connection: scheme and host in lower case, no default
 * port, no dot at its end, no fragment, no credentials; and no root path, for only that is the same with a slash and
 * without. Only `ws:` and `wss:`. Throws `InvalidRelayUrlError`.
 */
export function normaliseRelayUrl(text: string): string {
  const trimmed = text.trim();
  if (exceeds('urlCharsMax', trimmed.length)) throw new InvalidRelayUrlError(trimmed, 'it is too long');
  const url = parseUrl(trimmed);
  if (url === undefined) throw new InvalidRelayUrlError(trimmed, 'it cannot be parsed');
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new InvalidRelayUrlError(trimmed, 'its scheme is neither ws: nor wss:');
  }
  const host = hostOf(url);
  if (host === '') throw new InvalidRelayUrlError(trimmed, 'it has no host');
  const port = url.port === '' ? '' : `:${url.port}`;
  const path = url.pathname === '/' ? '' : url.pathname;
  const spelled = `${url.protocol}//${host}${port}${path}${url.search}`;
  // What stands for others is longer: `ö` is `%C3%B6`.
  if (exceeds('urlCharsMax', spelled.length)) throw new InvalidRelayUrlError(trimmed, 'it is too long');
  return spelled;
}

/** As `normaliseRelayUrl`, but `undefined` where that throws: for values of events, which anyone can write. */
export function tryNormaliseRelayUrl(text: string): string | undefined {
  try {
    return normaliseRelayUrl(text);
  } catch {
    return undefined;
  }
}

/** The authority of a service: lower-case host without brackets or trailing dot, and the port it is reached at. */
export type HostPort = { readonly host: string; readonly port: number };

const defaultPorts: Readonly<Record<string, number>> = { 'ws:': 80, 'http:': 80, 'wss:': 443, 'https:': 443 };

/** Host and port of a `ws`, `wss`, `http` or `https` URL; `undefined` when it is none. */
export function hostPortOf(text: string): HostPort | undefined {
  const url = parseUrl(text.trim());
  const defaultPort = url === undefined ? undefined : defaultPorts[url.protocol];
  if (url === undefined || defaultPort === undefined || url.hostname === '') return undefined;
  return { host: bareHostOf(url), port: url.port === '' ? defaultPort : Number(url.port) };
}

/**
 * The host of a relay URL, without port, brackets or trailing dot: the one party behind all URLs that have it. An IPv6
 * address stands for its /64, of which whoever runs it has all addresses.
 */
export function relayHost(url: string): string {
  const host = hostPortOf(url)?.host ?? url;
  return isIPv6(host) ? addressGroupOf(host) : host;
}

/**
 * The domain that a relay's host is in, as far as the last two labels of its name tell: whoever has a domain can name any
 * number of hosts in it. An address is a domain of its own, and so is a name of one label.
 */
export function relayDomain(url: string): string {
  const host = relayHost(url);
  return isIP(host) !== 0 || host.includes(':') ? host : host.split('.').slice(-2).join('.');
}

/**
 * The host of a URL without dots at its end. What is left of one with several is read anew: it may be an IP address in
 * another spelling (`127.1..`). Empty where that is no host.
 */
function hostOf({ hostname }: URL): string {
  const host = trimEnd(hostname, '.');
  return host === hostname ? host : (parseUrl(`ws://${host}`)?.hostname ?? '');
}

function bareHostOf(url: URL): string {
  return hostOf(url).replace(/^\[(.*)\]$/, '$1');
}

/**
 * A service under the domain that announcements name it by, with its port where it has one. Compared by parsed host
 * and port, never by substring.
 */
export class NamedService {
  readonly #host: string;
  readonly #port: number | undefined;

  /** `domain` is `host` or `host:port`. Throws `TypeError` when it is neither. */
  constructor(domain: string) {
    const explicitPort = /:(\d+)$/.exec(domain)?.[1];
    this.#host = bareHostOf(new URL(`ws://${domain}`));
    this.#port = explicitPort === undefined ? undefined : Number(explicitPort);
  }

  /**
   * Whether a URL of an announcement names the service. A domain without a port is reached at the default port of
   * whichever scheme the URL has.
   */
  isNamedBy(url: string): boolean {
    const target = hostPortOf(url);
    if (target === undefined || target.host !== this.#host) return false;
    return target.port === (this.#port ?? defaultPorts[parseUrl(url.trim())?.protocol ?? '']);
  }
}

/**
 * Our own service: the domain that announcements name, and the bind address. Bound to loopback, or to all addresses, we
 * are at our port under every name of loopback.
 */
export class OwnService {
  readonly #domain: NamedService;
  readonly #bind: HostPort;

  /** `domain` is `host` or `host:port`; `bindAddress` is `ip:port`. Throws `TypeError` when they are neither. */
  constructor(domain: string, bindAddress: string) {
    this.#domain = new NamedService(domain);
    const bind = hostPortOf(`ws://${bindAddress}`);
    if (bind === undefined) throw new TypeError(`'${bindAddress}' is no bind address`);
    this.#bind = bind;
  }

  /** Whether a URL of an announcement names our service. */
  isNamedBy(url: string): boolean {
    if (this.#domain.isNamedBy(url)) return true;
    const target = hostPortOf(url);
    if (target?.port !== this.#bind.port) return false;
    const { host } = this.#bind;
    return target.host === host || (isThisMachine(host) && isThisMachine(target.host));
  }
}

/** Whether a host of a URL or a bind address means this machine: loopback, or the address of all its addresses. */
function isThisMachine(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || isLoopbackHost(host);
}
