import { describe, expect, it } from 'vitest';
import { addressOf, formatAddress, parseAddress, supersedes } from '../../src/nostr/address.js';
import { deletionTargets } from '../../src/nostr/deletion.js';
import { InvalidEventError } from '../../src/nostr/event.js';
import { isRootKind, kinds } from '../../src/nostr/kinds.js';
import { parseAnnouncement, referencesOf } from '../../src/nostr/repository.js';
import { signedEvent, testIdentity } from '../support/events.js';

const author = testIdentity(1);
const other = testIdentity(2).pubkey;
const announcement = (...tags: string[][]) =>
  signedEvent(author, { kind: kinds.repositoryAnnouncement, tags });

describe('parseAnnouncement', () => {
  it('reads clone URLs, relays and maintainers', () => {
    const event = announcement(
      ['d', 'repo:x'],
      ['clone', 'https://a/x.git', 'https://b/x.git'],
      ['relays', 'wss://A.example/', 'nonsense'],
      ['relays', 'wss://a.example', 'wss://b.example'],
      ['maintainers', other, author.pubkey, 'nonsense'],
    );
    expect(parseAnnouncement(event)).toEqual({
      pubkey: author.pubkey,
      identifier: 'repo:x',
      name: '',
      description: '',
      address: `30617:${author.pubkey}:repo:x`,
      clone: ['https://a/x.git', 'https://b/x.git'],
      relays: ['wss://a.example', 'wss://b.example'],
      maintainers: [other],
      hasRoles: false,
    });
  });

  it('reads several clone tags as one list, as it does relays', () => {
    const event = announcement(
      ['d', 'x'],
      ['clone', 'https://a/x', 'https://b/x'],
      ['clone'],
      ['clone', 'https://c/x'],
    );
    expect(parseAnnouncement(event).clone).toEqual(['https://a/x', 'https://b/x', 'https://c/x']);
  });

  it.each([
    ['no d tag', []],
    [
      'more clone URLs than anyone needs, in two tags',
      [['d', 'x'], ...[600, 401].map((count) => ['clone', ...new Array<string>(count).fill('https://a/x')])],
    ],
    ['an empty identifier', [['d', '']]],
    ['.', [['d', '.']]],
    ['..', [['d', '..']]],
    ['a slash', [['d', 'a/b']]],
    ['a backslash', [['d', 'a\\b']]],
    ['NUL', [['d', 'a\0b']]],
    [
      'more relays than anyone needs',
      [
        ['d', 'x'],
        ['relays', ...new Array<string>(1001).fill('wss://a.example')],
      ],
    ],
  ])('refuses %s', (_, tags) => {
    expect(() => parseAnnouncement(announcement(...tags))).toThrow(InvalidEventError);
  });
});

describe('addresses', () => {
  it.each([
    [`30617:${other}:a:b:c`, { kind: 30617, pubkey: other, identifier: 'a:b:c' }],
    [`10002:${other}:`, { kind: 10002, pubkey: other, identifier: '' }],
    [`30617:${other}`, undefined],
    [`030617:${other}:x`, undefined],
    [`99999:${other}:x`, undefined],
    ['30617:nokey:x', undefined],
    [':', undefined],
    ['', undefined],
  ])('reads %s', (text, expected) => {
    const address = parseAddress(text);
    expect(address).toEqual(expected);
    if (address !== undefined) expect(formatAddress(address)).toBe(text);
  });

  it('stand for replaceable and addressable kinds only', () => {
    expect(addressOf(signedEvent(author, { kind: 1 }))).toBeUndefined();
    expect(addressOf(signedEvent(author, { kind: 3, tags: [['d', 'x']] }))?.identifier).toBe('');
    expect(
      addressOf(
        signedEvent(author, {
          kind: 30618,
          tags: [
            ['d', 'x'],
            ['d', 'y'],
          ],
        }),
      )?.identifier,
    ).toBe('x');
    expect(addressOf(signedEvent(author, { kind: 30618 }))?.identifier).toBe('');
  });

  it('are held by the newest event, on a tie by the lowest id', () => {
    expect(supersedes({ created_at: 2, id: 'b' }, { created_at: 1, id: 'a' })).toBe(true);
    expect(supersedes({ created_at: 1, id: 'a' }, { created_at: 1, id: 'b' })).toBe(true);
    expect(supersedes({ created_at: 1, id: 'a' }, { created_at: 1, id: 'a' })).toBe(false);
  });
});

describe('deletionTargets', () => {
  it('are ids and own addresses', () => {
    const id = 'a'.repeat(64);
    const own = `30617:${author.pubkey}:x`;
    const event = signedEvent(author, {
      kind: 5,
      tags: [
        ['e', id],
        ['e', 'short'],
        ['a', own],
        ['a', `30617:${other}:x`],
        ['a', 'bad'],
      ],
    });
    const targets = deletionTargets(event);
    expect(targets.ids).toEqual([id]);
    expect(targets.addresses.map(formatAddress)).toEqual([own]);
  });
});

describe('referencesOf', () => {
  it('finds addresses in a, A and q, and ids in e, E and q', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
    const address = (d: string) => `30617:${other}:${d}`;
    const event = signedEvent(author, {
      tags: [
        ['e', one],
        ['E', two],
        ['q', three],
        ['a', address('a')],
        ['A', address('b')],
        ['q', address('c')],
        ['p', one],
        ['e'],
      ],
    });
    expect(referencesOf(event)).toEqual({ ids: [one, two, three], addresses: ['a', 'b', 'c'].map(address) });
  });
});

describe('roots', () => {
  it('are patches, PRs, PR updates, issues, legacy replies and status events', () => {
    expect([1617, 1618, 1619, 1621, 1622, 1630].every(isRootKind)).toBe(true);
    expect([1, 1111, 30617, 30618, 5].some(isRootKind)).toBe(false);
  });
});
