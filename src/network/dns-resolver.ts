import type { LookupAddress } from 'node:dns';
import { Resolver as DnsClient } from 'node:dns/promises';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { errorCode, GraspError } from '../lib/errors.js';
import type { Resolver } from './address-policy.js';
import { HostsFile } from './hosts-file.js';

/** A name has no address that could be found out in time. */
class NameLookupError extends GraspError {
  constructor(host: string, why: string) {
    super('name_lookup', `${host.slice(0, 255)} has no address: ${why}`, {
      details: { host },
      retryable: true,
    });
  }
}

/** Where names are looked up, for tests. */
export type DnsResolverOptions = {
  readonly clock: Clock;
  readonly hosts?: HostsFile;
  /** Addresses of DNS servers, with their ports; those of the system otherwise. */
  readonly servers?: readonly string[];
};

/**
 * Looks up names that strangers gave: in the hosts file, then at the DNS servers of the system. `dns.lookup` would take a
 * thread for as long as servers do not answer, and there are two for all lookups of the process: a few names of which
 * nothing is heard would hold up all others. Here any number are asked for at once, each for a short time.
 */
export function dnsResolver({ clock, hosts = new HostsFile(), servers }: DnsResolverOptions): Resolver {
  return (host, { family }, callback) => {
    const only = family === 4 || family === 'IPv4' ? 4 : family === 6 || family === 'IPv6' ? 6 : undefined;
    const isWanted = (address: LookupAddress) => only === undefined || address.family === only;
    lookUp(host, clock, hosts, servers).then(
      (addresses) => callback(null, addresses.filter(isWanted)),
      (error) => callback(error, []),
    );
  };
}

async function lookUp(
  host: string,
  clock: Clock,
  hosts: HostsFile,
  servers: readonly string[] | undefined,
): Promise<readonly LookupAddress[]> {
  const known = await hosts.addressesOf(host);
  if (known.length > 0) return known;
  // One for each name: it knows the servers that the system has by now, and can be given up by itself.
  const dns = new DnsClient({ timeout: limits.nameTryMs, tries: limits.nameTriesMax });
  if (servers !== undefined) dns.setServers(servers);
  const giveUp = () => dns.cancel();
  const timers = [clock.after(limits.nameLookupMsMax, giveUp)];
  const answer = async (question: Promise<string[]>, family: 4 | 6) => {
    const addresses = await question;
    timers.push(clock.after(limits.nameOtherFamilyMs, giveUp));
    return addresses.map((address) => ({ address, family }));
  };
  try {
    const answers = await Promise.allSettled([answer(dns.resolve4(host), 4), answer(dns.resolve6(host), 6)]);
    const found = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    if (found.length > 0) return found;
    const [failure] = answers.flatMap((one) => (one.status === 'rejected' ? [errorCode(one.reason)] : []));
    throw new NameLookupError(host, failure ?? 'ENODATA');
  } finally {
    for (const cancel of timers) cancel();
  }
}
