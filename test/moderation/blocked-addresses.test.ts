import { describe, expect, it } from 'vitest';
import { addressGroupOf } from '../../src/lib/budgets/address-group.js';
import { AddressError, BlockedAddresses, blockableNetwork } from '../../src/moderation/blocked-addresses.js';

describe('an address or network that is to be blocked', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1/32', '192.0.2.1'],
    [' 192.0.2.77/24 ', '192.0.2.0/24'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::/48', '2001:db8:1::/48'],
  ])('%s is written as %s', (text, network) => {
    expect(blockableNetwork(text, [])).toBe(network);
  });

  it.each([
    ['no address', 'localhost', [], /is no IP address/],
    ['loopback', '127.0.0.1', [], /loopback/],
    ['loopback of IPv6', '::1', [], /loopback/],
    ['a network with loopback in it', '126.0.0.0/7', [], /too much/],
    ['everything', '0.0.0.0/0', [], /too much/],
    ['everything of IPv6', '::/0', [], /too much/],
    ['a trusted proxy', '10.1.2.3', ['10.0.0.0/8'], /trusted proxy/],
    ['a network with a trusted proxy in it', '10.1.0.0/16', ['10.1.2.3/32'], /trusted proxy/],
    ['the /64 of a trusted proxy', 'fd00::9', ['fd00::1/128'], /trusted proxy/],
  ] as const)('is refused with the reason when it is %s', (_, text, proxies, reason) => {
    expect(() => blockableNetwork(text, proxies)).toThrow(AddressError);
    expect(() => blockableNetwork(text, proxies)).toThrow(reason);
  });
});

describe('blocked addresses', () => {
  it('are those in one of the networks, by their groups, until it is taken off', () => {
    const blocked = new BlockedAddresses();
    const isBlocked = (address: string) => blocked.has(addressGroupOf(address));
    expect(isBlocked('192.0.2.1')).toBe(false);
    for (const network of ['192.0.2.1', '198.51.100.0/24', '2001:db8:1:2::/64', '2001:db8:9::/48'])
      blocked.add(network);
    const inside = ['192.0.2.1', '::ffff:192.0.2.1', '198.51.100.7', '2001:db8:1:2::9', '2001:db8:9:4::1'];
    expect(inside.filter(isBlocked)).toEqual(inside);
    const outside = ['192.0.2.2', '198.51.101.7', '2001:db8:1:3::9', '2001:db8:8::1', '127.0.0.1', '::1', ''];
    expect(outside.filter(isBlocked)).toEqual([]);
    blocked.delete('192.0.2.1');
    blocked.delete('2001:db8:9::/48');
    expect(inside.filter(isBlocked)).toEqual(['198.51.100.7', '2001:db8:1:2::9']);
  });
});
