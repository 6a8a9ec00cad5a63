import ipaddr from 'ipaddr.js';
import { parseNetwork } from '../config/host.js';
import { parseAddress } from '../lib/budgets/address-group.js';
import { GraspError } from '../lib/errors.js';

/** What is to be blocked is no address, or one that must not be; the message is for the operator. */
export class AddressError extends GraspError {
  constructor(message: string) {
    super('bad_address', message);
  }
}

type Family = 'ipv4' | 'ipv6';
type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Of IPv6 a client has a /64; it is limited, and blocked, as one. */
const ipv6BitsMax = 64;
/** A shorter prefix is a mistake: it shuts out a large part of the world. */
const bitsMin: Readonly<Record<Family, number>> = { ipv4: 8, ipv6: 16 };

/**
 * The one spelling of an address or network (CIDR) that can be blocked: an IPv4 address, its network, or an IPv6 network of
 * at most 64 bits. Throws `AddressError`, also where it has loopback in it, or a trusted proxy: behind those are others.
 */
export function blockableNetwork(text: string, trustedProxies: readonly string[]): string {
  const network = networkIn(text);
  const [address, bits] = network;
  const family = address.kind();
  if (bits < bitsMin[family])
    throw new AddressError(`${text} is too much to block: at most a /${bitsMin[family]} of ${family}`);
  if (overlaps(network, ['127.0.0.0/8', '::1/128']))
    throw new AddressError(`${text} has loopback in it: what comes from this machine cannot be blocked`);
  if (overlaps(network, trustedProxies))
    throw new AddressError(
      `${text} has a trusted proxy in it (--trusted-proxy), and so all clients behind that; block their own addresses`,
    );
  return nameOf(network);
}

/** Networks of which it is quickly told whether an address is in one of them. */
export class BlockedAddresses {
  /** The networks by how many bits they have. */
  readonly #byBits: Readonly<Record<Family, Map<number, Set<string>>>> = { ipv4: new Map(), ipv6: new Map() };

  /** `network`: as `blockableNetwork` spells it. */
  add(network: string): void {
    const [address, bits] = networkIn(network);
    const ofFamily = this.#byBits[address.kind()];
    ofFamily.set(bits, (ofFamily.get(bits) ?? new Set()).add(network));
  }

  delete(network: string): void {
    const [address, bits] = networkIn(network);
    const ofFamily = this.#byBits[address.kind()];
    const networks = ofFamily.get(bits);
    networks?.delete(network);
    if (networks?.size === 0) ofFamily.delete(bits);
  }

  /** Whether an address group (`lib/budgets/address-group.ts`) is in one of them; never for who cannot be told apart. */
  has(group: string): boolean {
    if (this.#byBits.ipv4.size + this.#byBits.ipv6.size === 0) return false;
    const address = parseAddress(group.split('/', 1)[0] ?? '');
    if (address === undefined) return false;
    for (const [bits, networks] of this.#byBits[address.kind()])
      if (networks.has(nameOf([address, bits]))) return true;
    return false;
  }
}

function networkIn(text: string): Network {
  const network = parseNetwork(text.trim());
  if (network === undefined)
    throw new AddressError(`'${text.slice(0, 100)}' is no IP address or network (CIDR)`);
  const [address, bits] = ipaddr.parseCIDR(network);
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96)
    return [address.toIPv4Address(), bits - 96];
  return [address, address.kind() === 'ipv6' ? Math.min(bits, ipv6BitsMax) : bits];
}

/** An IPv4 address stands for itself. */
function nameOf([address, bits]: Network): string {
  const of = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  const first = of.networkAddressFromCIDR(`${address}/${bits}`).toString();
  return address.kind() === 'ipv4' && bits === 32 ? first : `${first}/${bits}`;
}

function overlaps([address, bits]: Network, others: readonly string[]): boolean {
  return others.some((text) => {
    const [other, otherBits] = networkIn(text);
    if (other.kind() !== address.kind()) return false;
    const shorter = Math.min(bits, otherBits);
    return nameOf([address, shorter]) === nameOf([other, shorter]);
  });
}
