import type { LookupAddress } from 'node:dns';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import { checkedLookup, type Resolver, uncheckedLookup } from '../../src/network/address-policy.js';
import { dnsResolver } from '../../src/network/dns-resolver.js';
import { classOf } from '../../src/network/failure-class.js';
import { HostsFile } from '../../src/network/hosts-file.js';
import { NameServer, type Naming } from '../support/name-server.js';
import { VirtualClock } from '../support/virtual-clock.js';

const closers: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function world(naming: Naming, hosts = '') {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-names-'));
  closers.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'hosts');
  await writeFile(path, hosts);
  const server = await NameServer.listenAnywhere(naming);
  closers.push(() => server[Symbol.asyncDispose]());
  const clock = new VirtualClock();
  const servers = [`${server.address}:${server.port}`];
  const options = { hosts: new HostsFile(path), servers };
  return {
    server,
    path,
    clock,
    /** Gives up when the virtual clock says so. */
    resolve: dnsResolver({ ...options, clock }),
    /** Gives up in real time. */
    resolveInTime: dnsResolver({ ...options, clock: systemClock }),
  };
}

function addressesOf(resolve: Resolver, host: string, family = 0): Promise<string[]> {
  return new Promise((done, fail) => {
    resolve(host, { family }, (error, found) =>
      error === null ? done(found.map(({ address }) => address)) : fail(error),
    );
  });
}

function triedOf(lookup: ReturnType<typeof checkedLookup>, host: string): Promise<string[]> {
  return new Promise((done, fail) => {
    lookup(host, { all: true }, (error, found) =>
      error === null ? done((found as LookupAddress[]).map(({ address }) => address)) : fail(error),
    );
  });
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'none',
    (error) => classOf(error),
  );
}

describe('names of strangers are looked up', () => {
  it('in both families, and in the one that is asked for', async () => {
    const { resolve } = await world(() => ({ addresses: ['1.1.1.1', '2606:4700::1111'] }));
    expect(await addressesOf(resolve, 'relay.net')).toEqual(['1.1.1.1', '2606:4700::1111']);
    expect(await addressesOf(resolve, 'relay.net', 4)).toEqual(['1.1.1.1']);
    expect(await addressesOf(resolve, 'relay.net', 6)).toEqual(['2606:4700::1111']);
  });

  it('first in the hosts file, which is read again when it changes, and localhost is this machine', async () => {
    const hosts =
      '# ours\n10.0.0.5  Git.Company.net git # and more\nno.address relay.net\n::5 git.company.net\n';
    const { resolve, server, path } = await world(() => ({ addresses: ['1.1.1.1'] }), hosts);
    expect(await addressesOf(resolve, 'git.company.net.')).toEqual(['10.0.0.5', '::5']);
    expect(await addressesOf(resolve, 'a.localhost')).toEqual(['127.0.0.1', '::1']);
    expect(server.asked).toEqual([]);
    expect(await addressesOf(resolve, 'relay.net')).toEqual(['1.1.1.1']);
    await writeFile(path, '10.0.0.6 relay.net\n');
    await utimes(path, 1, 1);
    expect(await addressesOf(resolve, 'relay.net')).toEqual(['10.0.0.6']);
    await rm(path);
    expect(await addressesOf(resolve, 'relay.net')).toEqual(['1.1.1.1']);
  });

  it('along aliases, also in answers that are too long for a datagram', async () => {
    const aliases = Array.from({ length: 8 }, (_, n) => `alias-${n}.net`);
    const addresses = Array.from({ length: 1_000 }, (_, n) => `1.1.${n >> 8}.${n & 255}`);
    const { resolve } = await world(() => ({ addresses, aliases }));
    expect(await addressesOf(resolve, 'relay.net', 4)).toHaveLength(1_000);
  });

  it('and of a name with a thousand addresses a few are tried', async () => {
    const addresses = Array.from({ length: 1_000 }, (_, n) => `1.1.${n >> 8}.${n & 255}`);
    const { resolve } = await world(() => ({ addresses: ['10.0.0.1', ...addresses, '2606:4700::1111'] }));
    const few = [...addresses.slice(0, limits.nameAddressesMax), '2606:4700::1111'];
    expect(await triedOf(checkedLookup(resolve), 'relay.net')).toEqual(few);
    const withPrivate = ['10.0.0.1', ...addresses.slice(0, limits.nameAddressesMax - 1), '2606:4700::1111'];
    expect(await triedOf(uncheckedLookup(resolve), 'relay.net')).toEqual(withPrivate);
  });

  it.each([
    ['10.0.0.1'],
    ['127.0.0.1'],
    ['::1'],
    ['::ffff:10.0.0.1'],
    ['64:ff9b::a00:1'],
    ['169.254.169.254'],
  ])('and lead nowhere when they lie behind an alias at %s', async (address) => {
    const { resolve } = await world(() => ({ addresses: [address], aliases: ['www.company.net'] }));
    expect(await failureOf(triedOf(checkedLookup(resolve), 'relay.net'))).toBe('policy');
  });
});

describe('a lookup that fails is one of DNS', () => {
  it.each([
    ['there is no such name', 'relay.net', 'no such name'],
    ['the server fails', 'relay.net', 'failure'],
    ['the name has no addresses', 'relay.net', { addresses: [] }],
    ['the name cannot be one', `${'a'.repeat(64)}.net`, { addresses: ['1.1.1.1'] }],
    ['the name is empty', '', { addresses: ['1.1.1.1'] }],
  ] as const)('%s', async (_, name, answer) => {
    const { resolve } = await world(() => answer);
    expect(await failureOf(addressesOf(resolve, name))).toBe('dns');
  });

  it('no server can be reached', async () => {
    const { resolve, server } = await world(() => 'silent');
    await closers.pop()?.();
    expect(await failureOf(addressesOf(resolve, 'relay.net'))).toBe('dns');
    expect(server.asked).toEqual([]);
  });

  it('no server answers: it is given up in time', async () => {
    const { resolve, server, clock } = await world(() => 'silent');
    const failure = failureOf(addressesOf(resolve, 'relay.net'));
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThanOrEqual(2));
    await clock.advance(limits.nameLookupMsMax);
    expect(await failure).toBe('dns');
  });
});

describe('servers that do not answer', () => {
  it('of one family hold up the addresses of the other for a moment only', async () => {
    const naming: Naming = (_, type) => (type === 'A' ? { addresses: ['1.1.1.1'] } : 'silent');
    const { resolve, server, clock } = await world(naming);
    let found: string[] | undefined;
    const lookup = addressesOf(resolve, 'relay.net').then((addresses) => {
      found = addresses;
    });
    await vi.waitFor(() => expect(clock.timers).toBe(2));
    expect([found, server.asked]).toEqual([undefined, expect.arrayContaining(['relay.net AAAA'])]);
    await clock.advance(limits.nameOtherFamilyMs);
    await lookup;
    expect(found).toEqual(['1.1.1.1']);
  });

  it('hold up no other name, however many are asked for', async () => {
    const { resolveInTime, resolve, clock, server } = await world((name) =>
      name === 'relay.net' ? { addresses: ['1.1.1.1'] } : 'silent',
    );
    const silent = Array.from({ length: 100 }, (_, n) => failureOf(addressesOf(resolve, `r${n}.silent.net`)));
    await vi.waitFor(() => expect(new Set(server.asked).size).toBe(200));
    expect(await addressesOf(resolveInTime, 'relay.net')).toEqual(['1.1.1.1']);
    await clock.advance(limits.nameLookupMsMax);
    expect(new Set(await Promise.all(silent))).toEqual(new Set(['dns']));
  });
});
