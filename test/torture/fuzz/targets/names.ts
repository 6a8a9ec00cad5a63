import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import pino from 'pino';
import {
  formatBindAddress,
  isLoopbackDomain,
  parseBindAddress,
  parseDomain,
  parseNetwork,
  parseRelayUrl,
  parseWebUrl,
} from '../../../../src/config/host.js';
import { isIdentifier } from '../../../../src/config/identifier.js';
import { limits } from '../../../../src/config/limits.js';
import { eventIdOf, pubkeyOfNpub } from '../../../../src/config/nip19.js';
import { parseRepositoryPattern } from '../../../../src/config/repository-pattern.js';
import { urlOf } from '../../../../src/config/url.js';
import { isRefName } from '../../../../src/git/ref-name.js';
import { repositoryTarget } from '../../../../src/git-http/sites/repository-target.js';
import { checkedProtocol, protocolVersionOf } from '../../../../src/git-protocol/protocol-version.js';
import { gitUrl } from '../../../../src/git-sync/servers.js';
import { ClientAddresses } from '../../../../src/http/client-addresses.js';
import { requestTarget } from '../../../../src/http/request-target.js';
import { isHex32, utf8Length } from '../../../../src/lib/bytes.js';
import { isPublicAddress } from '../../../../src/network/address-policy.js';
import { formatAddress, parseAddress } from '../../../../src/nostr/address.js';
import { npubOf } from '../../../../src/nostr/keys.js';
import { OwnService, relayHost, tryNormaliseRelayUrl } from '../../../../src/nostr/relay-url.js';
import { prsTarget } from '../../../../src/repositories/prs-repositories.js';
import { listQueryOf } from '../../../../src/web/list-query.js';
import { claim, claimSame, type Target } from '../target.js';
import { isGitRefName } from './git-ref-rules.js';
import { buffersOf, npub, signer } from './samples.js';

const hostWords = [
  'wss://',
  'ws://',
  'https://',
  '//',
  '@',
  ':80',
  ':443',
  '[::1]',
  '127.1',
  '0x7f.1',
  '..',
  '.',
  'xn--',
  '%2e',
  '?',
  '#',
  '。',
];
const own = new OwnService('git.example', '127.0.0.1:7334');

const urls: Target = {
  name: 'url',
  form: 'text',
  words: hostWords,
  seeds: () =>
    buffersOf([
      'wss://relay.example',
      'WSS://User:Pw@Relay.Example.:443/path/?a=b#c',
      'ws://[2001:db8::1]:7334/',
      'ws://127.0.0.1:7334',
      'https://git.example/npub1x/repo.git/',
      'http://bücher.example/ö',
    ]),
  run(input) {
    const text = input.toString('utf8');
    const relay = tryNormaliseRelayUrl(text);
    if (relay !== undefined) {
      const url = new URL(relay);
      claim(tryNormaliseRelayUrl(relay) === relay, `a relay has two spellings: ${relay}`);
      claim(
        /^wss?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '',
        relay,
      );
      claim(relayHost(relay) === relayHost(text), `a relay has two hosts: ${relay}`);
      claim(own.isNamedBy(relay) === own.isNamedBy(text), `a relay is ours in one spelling only: ${relay}`);
      const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
      if (isIP(bare) !== 0)
        claim(
          isPublicAddress(url.hostname) === (ipaddr.parse(bare).range() === 'unicast' && isGivenOut(bare)),
          `${bare} is public in one reading only`,
        );
    }
    const git = gitUrl(text);
    if (git !== undefined)
      claim(gitUrl(git) === git && /^https?:\/\/[^/]/.test(git), `a repository has two URLs: ${git}`);
    for (const read of [parseRelayUrl, parseWebUrl]) {
      const url = read(text);
      if (url !== undefined)
        claim(read(url) === url && urlOf(url) !== undefined, `a setting has two spellings: ${url}`);
    }
  },
};

/** Whether an address, in its shortest form, is of IPv4, or begins as all of IPv6 does that is given out (2000::/3, RFC 4291). */
function isGivenOut(bare: string): boolean {
  return isIP(bare) === 4 || /^[23][0-9a-f]{3}:/.test(bare);
}

const hosts: Target = {
  name: 'host',
  form: 'text',
  words: hostWords,
  seeds: () =>
    buffersOf([
      'git.example:443',
      '[::1]:7334',
      '127.0.0.1:7334',
      '10.0.0.0/8',
      'fd00::/8',
      'localhost',
      'fe80::1%eth0/64',
      'bücher.example',
    ]),
  run(input) {
    const text = input.toString('utf8');
    const domain = parseDomain(text);
    if (domain !== undefined) {
      claim(parseDomain(domain) === domain, `a domain has two spellings: ${domain}`);
      isLoopbackDomain(domain);
      const service = new OwnService(domain, '127.0.0.1:7334');
      claim(service.isNamedBy(`wss://${domain}`), `a domain does not name itself: ${domain}`);
    }
    const network = parseNetwork(text);
    if (network !== undefined) {
      claim(parseNetwork(network) === network, `a network has two spellings: ${network}`);
      ipaddr.parseCIDR(network);
    }
    const bind = parseBindAddress(text);
    if (bind !== undefined)
      claimSame(parseBindAddress(formatBindAddress(bind)), bind, 'a bind address is another one');
    const pattern = parseRepositoryPattern(text);
    if (pattern !== undefined) {
      claim(pattern.pubkey === undefined || isHex32(pattern.pubkey), 'a pattern has a key that is none');
      claim(
        pattern.identifier === undefined || isIdentifier(pattern.identifier),
        'a pattern is not fit for a path',
      );
    }
  },
};

const refs: Target = {
  name: 'ref-name',
  form: 'text',
  words: ['refs/', '/', '.', '.lock', '@{', '@', '-', '\\', '~', '*', '^{}'],
  seeds: () =>
    buffersOf([
      'refs/heads/main',
      'refs/tags/v1.0',
      'refs/heads/a/b.c/d',
      'refs/nostr/abc',
      'refs/heads/ü',
      'refs/heads/@',
    ]),
  run(input) {
    const name = input.toString('utf8');
    const parts = name.split('/');
    const isShort =
      parts.every((part) => utf8Length(part) <= 200) &&
      parts.length <= limits.refNamePartsMax &&
      utf8Length(name) <= 400;
    claim(!isRefName(name) || isGitRefName(name), `${JSON.stringify(name)} is no ref for git`);
    if (isShort && name.isWellFormed())
      claim(isRefName(name) === isGitRefName(name), `${JSON.stringify(name)} is a ref for git`);
  },
};

const paths: Target = {
  name: 'path',
  form: 'text',
  words: [
    '/',
    '.git',
    '%2F',
    '%00',
    '%',
    '..',
    'npub1',
    '/prs/',
    '?',
    'info/refs',
    '&service=',
    '+',
    'page=',
    '://',
  ],
  seeds: () =>
    buffersOf([
      `/${npub}/repo.git/info/refs?service=git-upload-pack`,
      `/prs/${npub}/re%20po.git/git-receive-pack`,
      `/?q=x&page=2&lacking=1`,
      `http://git.example/${npub}/repo.git`,
      `30617:${signer.pubkey}:a:b`,
      npub,
      'version=2:x=y',
    ]),
  run(input) {
    const url = input.toString('latin1');
    const target = requestTarget({ url });
    if (target !== undefined) {
      const announced = repositoryTarget(target.path);
      if (announced !== undefined)
        checkRepository(announced.repository.pubkey, announced.repository.identifier);
      const proposed = prsTarget(target.path);
      if (proposed !== undefined) checkRepository(proposed.repository.signer, proposed.repository.identifier);
      const query = listQueryOf(target.query);
      claim(Number.isSafeInteger(query.page) && query.page > 0, 'a page is no number');
    }
    const text = input.toString('utf8');
    const address = parseAddress(text);
    if (address !== undefined)
      claim(formatAddress(address) === text && isHex32(address.pubkey), 'an address is another one');
    const pubkey = pubkeyOfNpub(text);
    if (pubkey !== undefined)
      claim(isHex32(pubkey) && pubkeyOfNpub(npubOf(pubkey)) === pubkey, 'a key is none');
    claim(isHex32(eventIdOf(text) ?? 'a'.repeat(64)), 'an id is none');
    const protocol = checkedProtocol(url);
    claim(
      protocol === undefined || /^[\w.:=-]+$/.test(protocol),
      'a protocol is not safe for an environment',
    );
    protocolVersionOf(url);
  },
};

function checkRepository(pubkey: string, identifier: string): void {
  claim(isHex32(pubkey), 'a repository has a key that is none');
  claim(isIdentifier(identifier), 'a repository is not fit for a path');
}

const addresses = new ClientAddresses(['127.0.0.0/8', 'fd00::/8'], pino({ level: 'silent' }));

const forwarded: Target = {
  name: 'forwarded-for',
  form: 'text',
  words: [',', '[', ']', ':80', '127.0.0.1', '::ffff:', '%eth0', 'unknown', '"', '0177.0.0.1', 'fd00::1'],
  seeds: () =>
    buffersOf([
      '203.0.113.7',
      '203.0.113.7, 127.0.0.1',
      '[2001:db8::1]:443, fd00::2',
      '198.51.100.3:1234',
      '::ffff:203.0.113.7',
    ]),
  run(input) {
    const group = groupOf('127.0.0.1', input.toString('latin1'));
    claim(
      group === 'local' || group === 'unknown' || isIP(group.replace(/\/64$/, '')) !== 0,
      `a group is ${group}`,
    );
    claim(groupOf('198.51.100.9', input.toString('latin1')) === '198.51.100.9', 'a stranger is believed');
  },
};

function groupOf(remoteAddress: string, header: string): string {
  const headers = { 'x-forwarded-for': header };
  return addresses.groupOf({ headers, socket: { remoteAddress } } as unknown as IncomingMessage);
}

export const nameTargets: readonly Target[] = [urls, hosts, refs, paths, forwarded];
