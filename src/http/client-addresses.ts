import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import { addressGroupOf, localAddressGroup, parseAddress } from '../lib/budgets/address-group.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/**
 * Tells from which address a request comes. `X-Forwarded-For` is whatever a client writes, so it is believed only from
 * the proxies that the operator named, and of several hops only as far as they are such proxies.
 */
export class ClientAddresses {
  readonly #trusted: readonly Network[];
  readonly #logger: Logger;
  #hasWarned = false;

  /** `trustedProxies` are networks in CIDR notation. */
  constructor(trustedProxies: readonly string[], logger: Logger) {
    this.#trusted = trustedProxies.map((network) => ipaddr.parseCIDR(network));
    this.#logger = logger;
  }

  /** The address group (`lib/budgets/address-group.ts`) of whoever sent the request. */
  groupOf(request: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    const peer = request.socket.remoteAddress ?? '';
    const header = request.headers['x-forwarded-for'];
    const forwarded = Array.isArray(header) ? header.join(',') : header;
    if (!this.#isTrusted(peer)) {
      if (forwarded !== undefined) this.#warnOnce(peer);
      return addressGroupOf(peer);
    }
    // Each proxy appends who came to it: what stands before the first that is not trusted is hearsay.
    const hops = (forwarded ?? '').split(',').map(addressOfHop);
    const client = hops.findLast((hop) => !this.#isTrusted(hop));
    return client === undefined || client === '' ? localAddressGroup : addressGroupOf(client);
  }

  /** The group of whoever is at the other end of a connection; `undefined` for a proxy, which speaks for others. */
  directGroupOf(socket: Pick<Socket, 'remoteAddress'>): string | undefined {
    const peer = socket.remoteAddress ?? '';
    return this.#isTrusted(peer) ? undefined : addressGroupOf(peer);
  }

  #isTrusted(address: string): boolean {
    const parsed = parseAddress(address);
    return (
      parsed !== undefined &&
      this.#trusted.some((network) => network[0].kind() === parsed.kind() && parsed.match(network))
    );
  }

  #warnOnce(peer: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn(
      { address: peer },
      'X-Forwarded-For is not believed from this address; where it is your proxy, name it in --trusted-proxy',
    );
  }
}

/** An entry of `X-Forwarded-For` without the port that some proxies add. */
function addressOfHop(entry: string): string {
  const text = entry.trim();
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}
