import { pino } from 'pino';
import { describe, expect, it, test } from 'vitest';
import { ClientAddresses } from '../../src/http/client-addresses.js';
import { addressGroupOf, localAddressGroup } from '../../src/lib/budgets/address-group.js';

type Request = Parameters<ClientAddresses['groupOf']>[0];

function requestFrom(remoteAddress: string | undefined, forwarded?: string): Request {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as Request;
}

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['127.3.2.1', localAddressGroup],
  ['::1', localAddressGroup],
  ['::ffff:127.0.0.1', localAddressGroup],
  ['0x7f.1', 'unknown'],
  ['', 'unknown'],
])('the address %s belongs to the group %s', (address, group) => {
  expect(addressGroupOf(address)).toBe(group);
});

describe('the address of a request', () => {
  const addresses = new ClientAddresses(['10.0.0.0/8', 'fd00::/8'], pino({ level: 'silent' }));

  it.each([
    ['no proxy', '192.0.2.1', undefined, '192.0.2.1'],
    ['a header from a stranger', '192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['a header from a neighbour of the proxies', '11.0.0.1', '198.51.100.7', '11.0.0.1'],
    ['a proxy', '10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['a proxy on a socket of both families', '::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['a proxy, of IPv6', 'fd00::1', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['a header that the client began', '10.1.2.3', '1.1.1.1, 127.0.0.1, 198.51.100.7', '198.51.100.7'],
    ['two proxies', '10.1.2.3', '1.1.1.1, 198.51.100.7, 10.9.9.9', '198.51.100.7'],
    ['a proxy that adds ports', '10.1.2.3', '198.51.100.7:4711', '198.51.100.7'],
    ['ports behind IPv6', '10.1.2.3', '[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
    ['a proxy without the header', '10.1.2.3', undefined, localAddressGroup],
    ['a proxy with an empty header', '10.1.2.3', '', localAddressGroup],
    ['a client among the proxies', '10.1.2.3', '10.4.4.4', localAddressGroup],
    ['what is no address', '10.1.2.3', 'unknown', 'unknown'],
    ['a socket that is gone', undefined, undefined, 'unknown'],
  ])('is found with %s', (_, peer, forwarded, group) => {
    expect(addresses.groupOf(requestFrom(peer, forwarded))).toBe(group);
  });

  it('warns once of a header that is not believed', () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(line) });
    const none = new ClientAddresses([], logger);
    for (let time = 0; time < 3; time += 1) none.groupOf(requestFrom('172.17.0.1', '198.51.100.7'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('--trusted-proxy');
  });
});
