import { describe, expect, it } from 'vitest';
import { isAddress, isPublicAddress } from '../../src/network/address-policy.js';

describe('addresses into which no event may lead (docs/sync.md §1)', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['private, as an IPv4-compatible address', '::10.1.2.3'],
    ['private, as an IPv4-compatible address', '::a01:203'],
    ['outside of global unicast', '4000::1'],
    ['private', '10.1.2.3'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['link-local', '169.254.1.1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['metadata', '169.254.169.254'],
    ['metadata', 'fd00:ec2::254'],
    ['unique-local', 'fc00::1'],
    ['site-local', 'fec0::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['unspecified', '0.0.0.0'],
    ['unspecified', '::'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped', '[::ffff:10.0.0.1]'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['documentation', '192.0.2.1'],
    ['no address', 'localhost'],
  ])('%s: %s', (_, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '[2606:4700::1111]'])(
    'public: %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it('tells addresses from names, however they are written in a URL', () => {
    for (const written of ['http://2130706433', 'http://0x7f.1', 'http://017700000001', 'http://[::1]']) {
      const { hostname } = new URL(written);
      expect(isAddress(hostname)).toBe(true);
      expect(isPublicAddress(hostname)).toBe(false);
    }
    expect(isAddress('relay.example')).toBe(false);
  });
});
