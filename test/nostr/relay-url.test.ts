import { describe, expect, it } from 'vitest';
import {
  InvalidRelayUrlError,
  normaliseRelayUrl,
  OwnService,
  relayDomain,
} from '../../src/nostr/relay-url.js';

describe('normaliseRelayUrl', () => {
  it.each([
    ['wss://Relay.Example.COM', 'wss://relay.example.com'],
    ['WSS://relay.example.com/', 'wss://relay.example.com'],
    ['wss://relay.example.com:443', 'wss://relay.example.com'],
    ['ws://relay.example.com:80/', 'ws://relay.example.com'],
    ['ws://relay.example.com:443', 'ws://relay.example.com:443'],
    ['wss://user:pass@relay.example.com/#top', 'wss://relay.example.com'],
    ['wss://relay.example.com./', 'wss://relay.example.com'],
    ['wss://relay.example.com/a/b//', 'wss://relay.example.com/a/b//'],
    ['wss://relay.example.com/relay/', 'wss://relay.example.com/relay/'],
    ['wss://relay.example.com/relay', 'wss://relay.example.com/relay'],
    ['wss://relay.example.com//', 'wss://relay.example.com//'],
    ['wss://relay.example.com/relay/?key=1', 'wss://relay.example.com/relay/?key=1'],
    ['wss://relay.example.com/?key=1', 'wss://relay.example.com?key=1'],
    ['  wss://relay.example.com  ', 'wss://relay.example.com'],
    ['ws://[::1]:8080/', 'ws://[::1]:8080'],
    ['ws://127.1:80', 'ws://127.0.0.1'],
    ['wss://relay.example.com../', 'wss://relay.example.com'],
    ['ws://127.1..:80/x', 'ws://127.0.0.1/x'],
  ])('%s becomes %s', (text, expected) => {
    expect(normaliseRelayUrl(text)).toBe(expected);
    expect(normaliseRelayUrl(expected)).toBe(expected);
  });

  it.each([
    '',
    'relay.example.com',
    'https://relay.example.com',
    'wss://',
    'wss://a b',
    'wss://.../',
    'wss://1.2.3.4.5../',
    `wss://relay.example.com/${'ö'.repeat(700)}`,
    `wss://${'x'.repeat(2000)}`,
  ])('refuses %j', (text) => {
    expect(() => normaliseRelayUrl(text)).toThrow(InvalidRelayUrlError);
  });
});

describe('relayDomain', () => {
  it.each([
    ['wss://a.b.example.com:7777/x', 'example.com'],
    ['wss://example.com', 'example.com'],
    ['ws://localhost:8080', 'localhost'],
    ['ws://10.1.2.3', '10.1.2.3'],
    ['ws://[2001:db8::1]:80', relayDomain('ws://[2001:db8::2]')],
  ])('of %s is %s', (url, domain) => {
    expect(relayDomain(url)).toBe(domain);
  });
});

describe('long runs of one character', () => {
  const run = 1_000_000;
  it.each([
    ['dots in the host', `wss://a${'.'.repeat(run)}b`],
    ['dots at the end of the host', `wss://a${'.'.repeat(run)}`],
    ['slashes in the path', `wss://a/${'/'.repeat(run)}b`],
    ['brackets', `wss://${'['.repeat(run)}`],
    ['spaces', `${' '.repeat(run)}x`],
  ])('%s are refused at once', (_, url) => {
    const own = new OwnService('git.example.com', '127.0.0.1:7334');
    expect(() => normaliseRelayUrl(url)).toThrow(InvalidRelayUrlError);
    expect(own.isNamedBy(url)).toBe(false);
  });
});

describe('OwnService', () => {
  const own = new OwnService('git.example.com', '127.0.0.1:7334');
  it.each([
    ['wss://git.example.com', true],
    ['wss://GIT.example.com:443/', true],
    ['https://git.example.com/npub1/repo.git', true],
    ['ws://git.example.com', true],
    ['wss://git.example.com./', true],
    ['ws://127.0.0.1:7334', true],
    ['wss://git.example.com:8443', false],
    ['ws://git.example.com:443', false],
    ['wss://evil.com/git.example.com', false],
    ['wss://git.example.com.evil.com', false],
    ['wss://evilgit.example.com', false],
    ['wss://git.example.com@evil.com', false],
    ['ws://127.0.0.1:7335', false],
    ['git.example.com', false],
    ['ftp://git.example.com', false],
    ['', false],
  ])('%s names it: %s', (url, expected) => {
    expect(own.isNamedBy(url)).toBe(expected);
  });

  it.each([
    ['127.0.0.1:7334', 'ws://localhost:7334', true],
    ['127.0.0.1:7334', 'ws://relay.localhost:7334/', true],
    ['127.0.0.1:7334', 'ws://[::1]:7334', true],
    ['127.0.0.1:7334', 'ws://127.9.9.9:7334', true],
    ['127.0.0.1:7334', 'ws://[::ffff:127.0.0.1]:7334', true],
    ['127.0.0.1:7334', 'ws://0.0.0.0:7334', true],
    ['[::1]:7334', 'ws://localhost:7334', true],
    ['0.0.0.0:7334', 'ws://localhost:7334', true],
    ['[::]:7334', 'ws://127.0.0.1:7334', true],
    ['127.0.0.1:7334', 'ws://localhost:7335', false],
    ['127.0.0.1:7334', 'ws://localhost.example.com:7334', false],
    ['127.0.0.1:7334', 'ws://10.0.0.1:7334', false],
    ['192.0.2.1:7334', 'ws://localhost:7334', false],
  ])('bound to %s, %s names it by a name of loopback: %s', (bind, url, expected) => {
    expect(new OwnService('git.example.com', bind).isNamedBy(url)).toBe(expected);
  });

  it('takes the port of a domain that has one', () => {
    const withPort = new OwnService('git.example.com:8443', '0.0.0.0:8443');
    expect(withPort.isNamedBy('wss://git.example.com:8443')).toBe(true);
    expect(withPort.isNamedBy('wss://git.example.com')).toBe(false);
    const withDefaultPort = new OwnService('git.example.com:80', '0.0.0.0:80');
    expect(withDefaultPort.isNamedBy('ws://git.example.com')).toBe(true);
    expect(withDefaultPort.isNamedBy('wss://git.example.com')).toBe(false);
  });
});
