import type { LookupFunction } from 'node:net';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { GraspError } from '../lib/errors.js';
import {
  checkedLookup,
  isAddress,
  isOnionName,
  isPublicAddress,
  isSpecialName,
  PrivateAddressError,
  type Resolver,
  systemResolver,
  uncheckedLookup,
} from './address-policy.js';
import { dnsResolver } from './dns-resolver.js';

/** How a socket gets to a host, as options of `ws` and `http`: by DNS, or by a proxy. */
export type Route =
  | {
      readonly lookup: LookupFunction;
      /** Of Node: how long one address of several is tried, in milliseconds. */
      readonly autoSelectFamilyAttemptTimeout: number;
    }
  | { readonly agent: SocksProxyAgent };

/** Only a URL that the operator gave is trusted to lead into private networks. */
export type RouteTarget = { readonly trusted: boolean };

export type RouteOptions = {
  readonly clock: Clock;
  /** Whether URLs of events may lead into private networks too. */
  readonly allowPrivate: boolean;
  /** The URL of the SOCKS proxy that `.onion` names are given to, not looked up. */
  readonly onionProxy?: string | undefined;
  /** Looks up all names, for tests; otherwise the system those that the operator gave, and `dnsResolver` the others. */
  readonly resolve?: Resolver;
};

/** An event names a host that does not exist in the public DNS. */
class SpecialNameError extends GraspError {
  constructor(host: string) {
    super('special_name', `${host.slice(0, 255)} is not a name of the public network`, { details: { host } });
  }
}

/**
 * Gives the way to each remote (docs/sync.md §1): a URL that the operator did not give must be in the public DNS and lead
 * into the public network. The returned function throws `SpecialNameError` or `PrivateAddressError` otherwise.
 */
export function routesTo(options: RouteOptions): (url: URL, target: RouteTarget) => Route {
  const given = direct(uncheckedLookup(options.resolve ?? systemResolver));
  const resolve = options.resolve ?? dnsResolver(options);
  const free = direct(uncheckedLookup(resolve));
  const checked = direct(checkedLookup(resolve));
  const { onionProxy } = options;
  const agent =
    onionProxy === undefined
      ? undefined
      : new SocksProxyAgent(onionProxy, { timeout: limits.remoteDialMsMax, keepAlive: false });
  return ({ hostname }, { trusted }) => {
    if (agent !== undefined && isOnionName(hostname)) return { agent };
    if (trusted) return given;
    if (isSpecialName(hostname)) throw new SpecialNameError(hostname);
    if (options.allowPrivate) return free;
    // An address needs no lookup, so it is looked at here.
    if (isAddress(hostname) && !isPublicAddress(hostname)) throw new PrivateAddressError(hostname);
    return checked;
  };
}

/** Node gives an address a quarter of a second, which is little for a far one, after a lost packet, or in a busy process. */
function direct(lookup: LookupFunction): Route {
  return { lookup, autoSelectFamilyAttemptTimeout: limits.addressTryMs };
}
