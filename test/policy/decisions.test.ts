import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import {
  address,
  announcement,
  commit,
  event,
  foreign,
  here,
  key,
  npubOf,
  patterns,
  pullRequest,
  state,
  type World,
  world,
} from './world.js';

const [alice, bob, carol, mallory] = [key(1), key(2), key(3), key(4)];

/** `[what, event]`, or with an own outcome where the rows of a table differ. */
type Row = readonly [what: string, event: NostrEvent, outcome?: string];

function decide(title: string, make: () => World, outcome: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [what, submitted, expected = outcome] of rows) {
      it(`${what} → ${expected.slice(0, 60)}`, () => {
        expect(make().submit(submitted)).toBe(expected);
      });
    }
  });
}

function holding(...events: NostrEvent[]): () => World {
  return () => {
    const made = world();
    for (const stored of events) expect(made.submit(stored)).toBe('accept');
    return made;
  };
}

const notListed = 'blocked: the announcement does not list this service in both clone and relays';
const unfit = 'invalid: identifier is not fit for a path';
const noIdentifier = 'invalid: missing identifier (d tag)';
const notRelated = 'blocked: the event neither refers to an accepted event nor is referred to by one';
const notAuthorized = 'invalid: author not authorized for this repository';
const unannounced = 'invalid: no announcement exists for this repository';

describe('Before all: an author on the event blacklist is rejected, whatever the kind', () => {
  const make = () => world({ eventBlacklist: [mallory] });
  for (const kind of [0, 1, 5, 7, 1111, 1617, 1618, 1619, 1621, 10317, 20001, 30617, 30618]) {
    it(`kind ${kind}`, () => {
      const submitted = event(mallory, kind, [
        ['d', 'repo'],
        ['clone', here.clone],
        ['relays', here.relay],
        ['e', 'e'.repeat(64)],
        ['c', commit],
      ]);
      expect(make().submit(submitted)).toBe('blocked: the author is on the blacklist');
    });
  }
});

decide('30617 needs a `d` tag that is fit for a folder', world, unfit, [
  [
    'no d tag',
    event(alice, 30617, [
      ['clone', here.clone],
      ['relays', here.relay],
    ]),
    noIdentifier,
  ],
  [
    'a d tag without value',
    event(alice, 30617, [['d'], ['clone', here.clone], ['relays', here.relay]]),
    noIdentifier,
  ],
  ['an empty identifier', announcement(alice, ''), noIdentifier],
  ['.', announcement(alice, '.')],
  ['..', announcement(alice, '..')],
  ['a/b', announcement(alice, 'a/b')],
  ['/', announcement(alice, '/')],
  ['/etc', announcement(alice, '/etc')],
  ['../x', announcement(alice, '../x')],
  ['a\\b', announcement(alice, 'a\\b')],
  ['..\\x', announcement(alice, '..\\x')],
  ['NUL', announcement(alice, 'a\0b')],
  ['NUL at the end', announcement(alice, 'a\0')],
  ['a lone surrogate, which has no UTF-8 form', announcement(alice, 'a\ud800')],
  ['300 characters', announcement(alice, 'x'.repeat(300)), 'invalid: identifier is longer than 251 bytes'],
  ['252 bytes', announcement(alice, 'x'.repeat(252)), 'invalid: identifier is longer than 251 bytes'],
  [
    '126 characters of two bytes',
    announcement(alice, 'é'.repeat(126)),
    'invalid: identifier is longer than 251 bytes',
  ],
  ['251 bytes', announcement(alice, 'x'.repeat(251)), 'accept'],
  ['%2e%2e is a name like any other', announcement(alice, '%2e%2e'), 'accept'],
  ['%2f', announcement(alice, 'a%2fb'), 'accept'],
  ['...', announcement(alice, '...'), 'accept'],
  ['a leading dot', announcement(alice, '.hidden'), 'accept'],
  ['a leading dash', announcement(alice, '--upload-pack=touch x'), 'accept'],
  ['spaces', announcement(alice, ' a b '), 'accept'],
  ['a line break', announcement(alice, 'a\nb'), 'accept'],
  ['unicode', announcement(alice, 'репозиторий-💾'), 'accept'],
  ['colons', announcement(alice, 'a:b:c'), 'accept'],
  ['.git at the end', announcement(alice, 'repo.git'), 'accept'],
]);

decide('Several `clone` tags are one list with all their values', world, 'accept', [
  ['two', announcement(alice, 'repo', { tags: [['clone', here.clone]] })],
  ['two, one of them empty', announcement(alice, 'repo', { tags: [['clone']] })],
  ['one with two URLs', announcement(alice, 'repo', { clone: [here.clone, 'https://x.example/a'] })],
  [
    'the second names us',
    announcement(alice, 'repo', { clone: ['https://x.example/a'], tags: [['clone', here.clone]] }),
  ],
  [
    'none names us',
    announcement(alice, 'repo', { clone: ['https://x.example/a'], tags: [['clone', 'https://y.example/a']] }),
    notListed,
  ],
  ['two relays tags', announcement(alice, 'repo', { tags: [['relays', 'wss://x.example']] }), 'accept'],
]);

decide(
  'Own service is host and port of one `clone` URL and of one `relays` URL, never a substring',
  world,
  notListed,
  [
    ['listed in both', announcement(alice, 'repo'), 'accept'],
    [
      'among others',
      announcement(alice, 'repo', {
        clone: ['https://x.example/a', here.clone],
        relays: ['wss://x.example', here.relay],
      }),
      'accept',
    ],
    [
      'plain http and ws at their default port',
      announcement(alice, 'repo', {
        clone: ['http://git.example.com/a'],
        relays: ['ws://git.example.com/'],
      }),
      'accept',
    ],
    [
      'the default port written out',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com:443/a'],
        relays: ['wss://git.example.com:443'],
      }),
      'accept',
    ],
    [
      'upper case',
      announcement(alice, 'repo', {
        clone: ['HTTPS://GIT.Example.COM/a'],
        relays: ['WSS://GIT.EXAMPLE.COM/'],
      }),
      'accept',
    ],
    [
      'a trailing dot',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com./a'],
        relays: ['wss://git.example.com.'],
      }),
      'accept',
    ],
    [
      'the bind address',
      announcement(alice, 'repo', {
        clone: ['http://127.0.0.1:7334/a'],
        relays: ['ws://127.0.0.1:7334'],
      }),
      'accept',
    ],
    ['only in clone', announcement(alice, 'repo', { relays: ['wss://x.example'] })],
    ['only in relays', announcement(alice, 'repo', { clone: ['https://x.example/a'] })],
    ['in neither', foreign(alice, 'repo')],
    [
      'no clone tag',
      event(alice, 30617, [
        ['d', 'repo'],
        ['relays', here.relay],
      ]),
    ],
    [
      'no relays tag',
      event(alice, 30617, [
        ['d', 'repo'],
        ['clone', here.clone],
      ]),
    ],
    [
      'as a folder of another host',
      announcement(alice, 'repo', {
        clone: ['https://evil.com/git.example.com'],
        relays: ['wss://evil.com/git.example.com'],
      }),
    ],
    [
      'as the beginning of another host',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com.evil.com/a'],
        relays: ['wss://git.example.com.evil.com'],
      }),
    ],
    [
      'as the end of another host',
      announcement(alice, 'repo', {
        clone: ['https://evilgit.example.com/a'],
        relays: ['wss://evilgit.example.com'],
      }),
    ],
    [
      'as a sub-domain',
      announcement(alice, 'repo', {
        clone: ['https://x.git.example.com/a'],
        relays: ['wss://x.git.example.com'],
      }),
    ],
    [
      'as the parent domain',
      announcement(alice, 'repo', {
        clone: ['https://example.com/a'],
        relays: ['wss://example.com'],
      }),
    ],
    [
      'as credentials of another host',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com@evil.com/a'],
        relays: ['wss://git.example.com:443@evil.com'],
      }),
    ],
    [
      'as a fragment',
      announcement(alice, 'repo', {
        clone: ['https://evil.com/#git.example.com'],
        relays: ['wss://evil.com/#git.example.com'],
      }),
    ],
    [
      'as a query',
      announcement(alice, 'repo', {
        clone: ['https://evil.com/?https://git.example.com/'],
        relays: ['wss://evil.com/?x=git.example.com'],
      }),
    ],
    [
      'at another port',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com:8443/a'],
        relays: ['wss://git.example.com:8443'],
      }),
    ],
    [
      'at the default port of another scheme',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com:80/a'],
        relays: ['wss://git.example.com:80'],
      }),
    ],
    [
      'the bind address at another port',
      announcement(alice, 'repo', {
        clone: ['http://127.0.0.1:7335/a'],
        relays: ['ws://127.0.0.1:7335'],
      }),
    ],
    [
      'without a scheme',
      announcement(alice, 'repo', { clone: ['git.example.com/a'], relays: ['git.example.com'] }),
    ],
    [
      'with a scheme of no web service',
      announcement(alice, 'repo', {
        clone: ['ssh://git@git.example.com/a'],
        relays: ['wss://git.example.com'],
      }),
    ],
    [
      'a full-width look-alike is the same host',
      announcement(alice, 'repo', {
        clone: ['https://ｇit.example.com/a'],
        relays: ['wss://ｇit.example.com'],
      }),
      'accept',
    ],
    [
      'a cyrillic look-alike is another host',
      announcement(alice, 'repo', {
        clone: ['https://gіt.example.com/a'],
        relays: ['wss://gіt.example.com'],
      }),
    ],
  ],
);

decide(
  'A domain with a port is named with that port',
  () => world({ domain: 'git.example.com:8443' }),
  notListed,
  [
    [
      'that port',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com:8443/a'],
        relays: ['wss://git.example.com:8443'],
      }),
      'accept',
    ],
    ['no port', announcement(alice, 'repo')],
    [
      'another port',
      announcement(alice, 'repo', {
        clone: ['https://git.example.com:84430/a'],
        relays: ['wss://git.example.com:844'],
      }),
    ],
  ],
);

const blacklisted = 'blocked: this repository is on the blacklist';
decide(
  'Repository blacklist → reject, whatever admits the announcement otherwise',
  () =>
    world({
      repositoryBlacklist: patterns(npubOf(mallory), `${npubOf(bob)}/bad`, 'worst'),
      archiveAll: true,
    }),
  blacklisted,
  [
    ['npub', announcement(mallory, 'repo')],
    ['npub, elsewhere', foreign(mallory, 'repo')],
    ['npub/identifier', announcement(bob, 'bad')],
    ['npub/identifier, another repository', announcement(bob, 'good'), 'accept'],
    ['npub/identifier, another author', announcement(alice, 'bad'), 'accept'],
    ['identifier', announcement(alice, 'worst')],
    ['identifier, part of a name', announcement(alice, 'worst2'), 'accept'],
    ['identifier in other case', announcement(alice, 'Worst'), 'accept'],
  ],
);

const unwanted = 'blocked: this repository is not on the whitelist';
decide(
  'Lists us and the repository whitelist allows it → accept',
  () => world({ repositoryWhitelist: patterns(npubOf(alice), `${npubOf(bob)}/repo`, 'open') }),
  unwanted,
  [
    ['npub', announcement(alice, 'anything'), 'accept'],
    ['npub/identifier', announcement(bob, 'repo'), 'accept'],
    ['npub/identifier, another repository', announcement(bob, 'other')],
    ['identifier', announcement(mallory, 'open'), 'accept'],
    ['nothing matches', announcement(mallory, 'repo')],
    ['on the whitelist, but does not list us', foreign(alice, 'anything'), notListed],
  ],
);

decide('Archive settings match → accept: all', () => world({ archiveAll: true }), 'accept', [
  [
    'two clone tags',
    announcement(alice, 'repo', { clone: ['https://a.example/x'], tags: [['clone', 'https://b.example/x']] }),
  ],
  ['elsewhere', foreign(alice, 'repo')],
  ['here', announcement(alice, 'repo')],
  ['nowhere', event(alice, 30617, [['d', 'repo']])],
  ['without identifier', event(alice, 30617, []), noIdentifier],
]);

decide(
  'Archive settings match → accept: whitelist',
  () => world({ archiveWhitelist: patterns(npubOf(alice), `${npubOf(bob)}/repo`, 'linux') }),
  notListed,
  [
    ['npub', foreign(alice, 'x'), 'accept'],
    ['npub/identifier', foreign(bob, 'repo'), 'accept'],
    ['npub/identifier, another', foreign(bob, 'x')],
    ['identifier', foreign(mallory, 'linux'), 'accept'],
    ['no match', foreign(mallory, 'repo')],
    ['no match, but lists us', announcement(mallory, 'repo'), 'accept'],
  ],
);

const service = { clone: ['https://grasp.example/a.git'], relays: ['wss://grasp.example'] };
decide(
  'Archive settings match → accept: GRASP services, by parsed host',
  () => world({ archiveGraspServices: ['grasp.example', 'other.example:7000'] }),
  notListed,
  [
    ['lists it in both', announcement(alice, 'repo', service), 'accept'],
    ['only in clone', announcement(alice, 'repo', { ...service, relays: ['wss://x.example'] }), 'accept'],
    ['only in relays', announcement(alice, 'repo', { ...service, clone: ['https://x.example'] })],
    [
      'one service in clone, another in relays',
      announcement(alice, 'repo', {
        ...service,
        relays: ['wss://other.example:7000'],
      }),
      'accept',
    ],
    [
      'with its port',
      announcement(alice, 'repo', {
        clone: ['https://other.example:7000/a'],
        relays: ['wss://other.example:7000'],
      }),
      'accept',
    ],
    [
      'without its port',
      announcement(alice, 'repo', {
        clone: ['https://other.example/a'],
        relays: ['wss://other.example'],
      }),
    ],
    [
      'as part of another host',
      announcement(alice, 'repo', {
        clone: ['https://grasp.example.evil.com/a'],
        relays: ['wss://grasp.example.evil.com'],
      }),
    ],
    ['as the end of another host', announcement(alice, 'repo', { clone: ['https://evilgrasp.example/a'] })],
    ['in the path of a URL', announcement(alice, 'repo', { clone: ['https://evil.com/grasp.example/a'] })],
    ['as the user of a URL', announcement(alice, 'repo', { clone: ['https://grasp.example@evil.com/a'] })],
    ['with another port', announcement(alice, 'repo', { clone: ['https://grasp.example:8443/a'] })],
  ],
);

const readOnly = 'blocked: this is a read-only archive, of other repositories';
decide(
  'A read-only archive takes what it archives, and nothing else because it lists us',
  () => world({ archiveWhitelist: patterns(npubOf(alice)), archiveReadOnly: true }),
  readOnly,
  [
    ['archived', foreign(alice, 'repo'), 'accept'],
    ['archived, lists us too', announcement(alice, 'repo'), 'accept'],
    ['lists us only', announcement(bob, 'repo')],
    ['neither', foreign(bob, 'repo')],
  ],
);

decide(
  'Maintainer exception: author of, or named in, a stored announcement with the same identifier → accept',
  holding(announcement(alice, 'repo', { maintainers: [bob, 'not a key', key(10).toUpperCase()] })),
  notListed,
  [
    ['named', foreign(bob, 'repo'), 'accept'],
    ['the author, who moved away', foreign(alice, 'repo'), 'accept'],
    ['named, another identifier', foreign(bob, 'repo2')],
    ['named, identifier in other case', foreign(bob, 'Repo')],
    ['not named', foreign(mallory, 'repo')],
    ['names the author, but is not named', foreign(mallory, 'repo', [alice])],
    ['a key in upper case', foreign(key(10), 'repo')],
  ],
);

it('Maintainer exception: chains through announcements that were accepted by it', () => {
  const { submit } = holding(announcement(alice, 'repo', { maintainers: [bob] }))();
  expect(submit(foreign(carol, 'repo'))).toBe(notListed);
  expect(submit(foreign(bob, 'repo', [carol]))).toBe('accept');
  expect(submit(foreign(carol, 'repo'))).toBe('accept');
});

const repo = announcement(alice, 'repo', { maintainers: [bob] });
const withBob = holding(repo, foreign(bob, 'repo', [carol]));
const sha1 = '1'.repeat(40);
const sha256 = '2'.repeat(64);
const noHeadOrTag = (name: string) => `invalid: '${name}' is no head or tag`;
const noObjectId = "invalid: 'refs/heads/x' has no object id of 40 or 64 hex digits";
const badHead = "invalid: HEAD is not 'ref: refs/heads/<name>'";

decide('30618: refs are heads and tags, HEAD is `ref: refs/heads/<name>`', withBob, 'accept', [
  ['nothing but d', state(alice, 'repo')],
  ['a branch', state(alice, 'repo', ['refs/heads/main', sha1])],
  ['a tag, SHA-256', state(alice, 'repo', ['refs/tags/v1', sha256])],
  ['HEAD', state(alice, 'repo', ['refs/heads/main', sha1], ['HEAD', 'ref: refs/heads/main'])],
  ['HEAD without `ref:`', state(alice, 'repo', ['HEAD', 'refs/heads/main'])],
  ['HEAD of a branch that is not declared', state(alice, 'repo', ['HEAD', 'ref: refs/heads/later'])],
  ['peeled names are ignored', state(alice, 'repo', ['refs/tags/v1', sha1], ['refs/tags/v1^{}', 'whatever'])],
  ['further values are ignored', state(alice, 'repo', ['refs/heads/main', sha1, 'parent', '--x'])],
  [
    'tags that are no refs are ignored',
    state(alice, 'repo', ['--upload-pack=x', 'y'], ['alt', 'refs/heads/..']),
  ],
  ['slashes and unicode', state(alice, 'repo', ['refs/heads/a/b/ü-💾', sha1])],
  ['a dash in front', state(alice, 'repo', ['refs/heads/--upload-pack=x', sha1])],
  ['one ref twice, the same', state(alice, 'repo', ['refs/heads/x', sha1], ['refs/heads/x', sha1])],
  [
    'one ref twice, different',
    state(alice, 'repo', ['refs/heads/x', sha1], ['refs/heads/x', sha256]),
    "invalid: 'refs/heads/x' has two values",
  ],
  [
    'a ref in the folder of another',
    state(alice, 'repo', ['refs/heads/a', sha1], ['refs/heads/a!', sha1], ['refs/heads/a/b', sha1]),
    "invalid: 'refs/heads/a' is both a ref and a folder of refs",
  ],
  ['no d', event(alice, 30618, []), noIdentifier],
  ['d is ..', state(alice, '..'), unfit],
  [
    'refs/heads/../../x',
    state(alice, 'repo', ['refs/heads/../../x', sha1]),
    noHeadOrTag('refs/heads/../../x'),
  ],
  ['a space', state(alice, 'repo', ['refs/heads/a b', sha1]), noHeadOrTag('refs/heads/a b')],
  [
    'a line break',
    state(alice, 'repo', ['refs/heads/a\ndelete refs/heads/b', sha1]),
    noHeadOrTag('refs/heads/a\ndelete refs/heads/b'),
  ],
  ['NUL', state(alice, 'repo', ['refs/heads/a\0', sha1]), noHeadOrTag('refs/heads/a\0')],
  ['.lock', state(alice, 'repo', ['refs/heads/a.lock', sha1]), noHeadOrTag('refs/heads/a.lock')],
  ['@{', state(alice, 'repo', ['refs/heads/a@{1}', sha1]), noHeadOrTag('refs/heads/a@{1}')],
  ['a part with a dot in front', state(alice, 'repo', ['refs/heads/.a', sha1]), noHeadOrTag('refs/heads/.a')],
  ['an empty part', state(alice, 'repo', ['refs/heads//a', sha1]), noHeadOrTag('refs/heads//a')],
  ['refs/heads/', state(alice, 'repo', ['refs/heads/', sha1]), noHeadOrTag('refs/heads/')],
  ['refs/heads', state(alice, 'repo', ['refs/heads', sha1]), noHeadOrTag('refs/heads')],
  ['a wildcard', state(alice, 'repo', ['refs/heads/*', sha1]), noHeadOrTag('refs/heads/*')],
  [
    'refs/nostr',
    state(alice, 'repo', [`refs/nostr/${'a'.repeat(64)}`, sha1]),
    noHeadOrTag(`refs/nostr/${'a'.repeat(64)}`),
  ],
  ['refs/notes', state(alice, 'repo', ['refs/notes/commits', sha1]), noHeadOrTag('refs/notes/commits')],
  ['HEAD as object id', state(alice, 'repo', ['refs/heads/x', 'HEAD']), noObjectId],
  ['no object id', state(alice, 'repo', ['refs/heads/x']), noObjectId],
  ['39 digits', state(alice, 'repo', ['refs/heads/x', '1'.repeat(39)]), noObjectId],
  ['41 digits', state(alice, 'repo', ['refs/heads/x', '1'.repeat(41)]), noObjectId],
  ['63 digits', state(alice, 'repo', ['refs/heads/x', '1'.repeat(63)]), noObjectId],
  ['upper case', state(alice, 'repo', ['refs/heads/x', 'A'.repeat(40)]), noObjectId],
  ['a line break after it', state(alice, 'repo', ['refs/heads/x', `${sha1}\n`]), noObjectId],
  ['an option', state(alice, 'repo', ['refs/heads/x', '--stdin']), noObjectId],
  ['HEAD is a tag', state(alice, 'repo', ['HEAD', 'ref: refs/tags/v1']), badHead],
  ['HEAD is an object id', state(alice, 'repo', ['HEAD', sha1]), badHead],
  ['HEAD is a tag without ref:', state(alice, 'repo', ['HEAD', 'refs/tags/v1']), badHead],
  ['HEAD is only a name', state(alice, 'repo', ['HEAD', 'main']), badHead],
  ['HEAD has its ref: twice', state(alice, 'repo', ['HEAD', 'ref: ref: refs/heads/main']), badHead],
  ['HEAD leads out', state(alice, 'repo', ['HEAD', 'ref: refs/heads/../../x']), badHead],
  ['HEAD is an option', state(alice, 'repo', ['HEAD', 'ref: --delete']), badHead],
  ['HEAD is empty', state(alice, 'repo', ['HEAD', '']), badHead],
]);

decide(
  '30618: an announcement with that identifier, and an author in the recursive maintainer set',
  withBob,
  'accept',
  [
    ['the author', state(alice, 'repo')],
    ['named by the author', state(bob, 'repo')],
    ['named by a maintainer', state(carol, 'repo')],
    ['named by nobody', state(mallory, 'repo'), notAuthorized],
    ['no announcement', state(alice, 'other'), unannounced],
    ['no announcement, nobody', state(mallory, 'other'), unannounced],
    ['identifier in other case', state(alice, 'Repo'), unannounced],
  ],
);

const issue = event(mallory, 1621, [['a', address(alice, 'repo')]]);
const note = event(bob, 1, [['e', issue.id]]);
const long = event(bob, 30023, [
  ['d', 'a:b:c'],
  ['a', address(alice, 'repo')],
]);
const colons = announcement(alice, 'x:y:z');
const anchored = holding(repo, issue, note, long, colons);
const unrelatedId = 'f'.repeat(64);

decide('others: an a/A/q address or an e/E/q id is stored', anchored, 'accept', [
  ['a', event(carol, 1621, [['a', address(alice, 'repo')]])],
  ['A', event(carol, 1111, [['A', address(alice, 'repo')]])],
  ['q, an address', event(carol, 1, [['q', address(alice, 'repo')]])],
  ['e', event(carol, 7, [['e', issue.id]])],
  ['E', event(carol, 1111, [['E', issue.id]])],
  ['q, an id', event(carol, 1, [['q', issue.id]])],
  ['e of the announcement', event(carol, 1617, [['e', repo.id]])],
  ['what hangs on what hangs on an announcement', event(carol, 1, [['e', note.id]])],
  ['an address of another kind', event(carol, 1, [['a', `30023:${bob}:a:b:c`]])],
  ['an identifier with colons', event(carol, 1621, [['a', address(alice, 'x:y:z')]])],
  [
    'one good among many',
    event(carol, 1, [
      ['e', unrelatedId],
      ['e', 'junk'],
      ['a', 'junk'],
      ['e', issue.id],
    ]),
  ],
  ['ephemeral', event(carol, 20001, [['e', issue.id]])],
  ['no tags', event(carol, 1, []), notRelated],
  ['an unknown id', event(carol, 1, [['e', unrelatedId]]), notRelated],
  ['an unknown address', event(carol, 1, [['a', address(bob, 'repo')]]), notRelated],
  ['an identifier cut at its colon', event(carol, 1, [['a', address(alice, 'x')]]), notRelated],
  ['an address in e', event(carol, 1, [['e', address(alice, 'repo')]]), notRelated],
  ['an id in a', event(carol, 1, [['a', issue.id]]), notRelated],
  [
    'an id in another tag',
    event(carol, 1, [
      ['i', issue.id],
      ['p', alice],
      ['r', issue.id],
    ]),
    notRelated,
  ],
  ['an id in upper case', event(carol, 1, [['e', issue.id.toUpperCase()]]), notRelated],
  ['the address of a regular kind', event(carol, 1, [['a', `1621:${mallory}:`]]), notRelated],
  ['the address with a leading zero', event(carol, 1, [['a', `030617:${alice}:repo`]]), notRelated],
  ['the author only', event(carol, 1, [['p', alice]]), notRelated],
  ['ephemeral, unrelated', event(carol, 20001, []), notRelated],
  [
    'NIP-42',
    event(carol, 22242, [
      ['relay', here.relay],
      ['challenge', 'x'],
    ]),
    notRelated,
  ],
  ['a repository blob', event(carol, 30023, [['d', 'x']]), notRelated],
]);

const later = event(carol, 1, []);
const profile = event(carol, 0, []);
const article = event(carol, 30023, [['d', 'story']]);
const root = event(mallory, 1621, [
  ['a', address(alice, 'repo')],
  ['e', later.id],
  ['a', `0:${carol}:`],
  ['q', `30023:${carol}:story`],
]);
decide(
  'others: a stored event refers to it, by id or by address when it is replaceable',
  holding(repo, root),
  'accept',
  [
    ['by id', later],
    ['by address, replaceable', profile],
    ['by address, addressable', article],
    ['a later version at that address', event(carol, 30023, [['d', 'story']])],
    ['another identifier', event(carol, 30023, [['d', 'story2']]), notRelated],
    ['another author', event(bob, 30023, [['d', 'story']]), notRelated],
    ['another kind', event(carol, 3, []), notRelated],
  ],
);

decide('1618, 1619: the related-event rule, and a `c` tag', anchored, 'accept', [
  ['a PR', pullRequest(carol, [address(alice, 'repo')])],
  ['a PR, SHA-256', pullRequest(carol, [address(alice, 'repo')], [['c', sha256]])],
  [
    'a PR update',
    event(carol, 1619, [
      ['E', issue.id],
      ['a', address(alice, 'repo')],
      ['c', commit],
    ]),
  ],
  ['unrelated', pullRequest(carol, [address(bob, 'repo')]), notRelated],
  ['an update, unrelated', event(carol, 1619, [['c', commit]]), notRelated],
  ['no c', pullRequest(carol, [address(alice, 'repo')], []), 'invalid: missing commit (c tag)'],
  [
    'an empty c',
    pullRequest(carol, [address(alice, 'repo')], [['c', '']]),
    'invalid: the commit (c tag) is not 40 or 64 hex digits',
  ],
  [
    'c is HEAD',
    pullRequest(carol, [address(alice, 'repo')], [['c', 'HEAD']]),
    'invalid: the commit (c tag) is not 40 or 64 hex digits',
  ],
  [
    'c too short',
    pullRequest(carol, [address(alice, 'repo')], [['c', '1'.repeat(39)]]),
    'invalid: the commit (c tag) is not 40 or 64 hex digits',
  ],
  [
    'c is an option',
    event(carol, 1619, [
      ['a', address(alice, 'repo')],
      ['c', '--all'],
    ]),
    'invalid: the commit (c tag) is not 40 or 64 hex digits',
  ],
  [
    '101 repositories',
    pullRequest(
      carol,
      Array.from({ length: 101 }, (_, n) => address(alice, n === 0 ? 'repo' : `r${n}`)),
    ),
    'invalid: names more than 100 repositories',
  ],
]);

const noTarget = 'invalid: the deletion request names no event or address of its author';
const stranger = 'blocked: nothing of the author of this event is kept here';
const tooLarge = 'invalid: this event is too large for its kind';
const deletionOf = (author: string, chars: number) =>
  event(author, 5, [['e', unrelatedId]], { content: 'x'.repeat(chars) });
const graspListOf = (author: string, chars: number) =>
  event(author, 10317, [['g', here.relay]], { content: 'x'.repeat(chars) });
decide('Kind 5 follows NIP-09; kind 10317 is accepted', anchored, 'accept', [
  ['of an own event', event(mallory, 5, [['e', issue.id]])],
  ['of an own address', event(alice, 5, [['a', address(alice, 'repo')]])],
  ['of an event that is not known yet', event(carol, 5, [['e', unrelatedId]])],
  ['of nothing', event(carol, 5, []), noTarget],
  ['of an address of somebody else', event(mallory, 5, [['a', address(alice, 'repo')]]), noTarget],
  ['of what is no id', event(carol, 5, [['e', 'junk']]), noTarget],
  ['large, from a stranger', deletionOf(carol, 10_000), stranger],
  ['large, from an author who is known', deletionOf(bob, 10_000)],
  ['too large for anyone', deletionOf(bob, 70_000), tooLarge],
  ['too large, from a stranger', deletionOf(carol, 70_000), tooLarge],
  ['a list of GRASP services', graspListOf(carol, 0)],
  ['a large list, from a stranger', graspListOf(carol, 10_000), stranger],
  ['a large list, from an author who is known', graspListOf(bob, 10_000)],
  ['a list that is too large for anyone', graspListOf(bob, 70_000), tooLarge],
]);

const graspList = event(mallory, 10317, [
  ['g', here.relay],
  ['e', later.id],
  ['a', `0:${carol}:`],
]);
const deletion = event(mallory, 5, [
  ['e', later.id],
  ['a', `30023:${mallory}:x`],
]);
decide('Neither makes others acceptable', holding(graspList, deletion), notRelated, [
  ['refers to a list by id', event(mallory, 1, [['e', graspList.id]])],
  ['refers to a list by E', event(mallory, 1, [['E', graspList.id]])],
  ['refers to a list by q', event(mallory, 1, [['q', graspList.id]])],
  ['refers to a list by address', event(mallory, 1, [['a', `10317:${mallory}:`]])],
  ['refers to a list by q and address', event(mallory, 1, [['q', `10317:${mallory}:`]])],
  ['refers to a deletion request', event(mallory, 1, [['e', deletion.id]])],
  [
    'a PR that refers to a deletion request',
    event(mallory, 1618, [
      ['e', deletion.id],
      ['c', commit],
    ]),
  ],
  ['is referred to by a list and a deletion request', later],
  ['is referred to by a list, by address', profile],
  ['is named by a deletion request, by address', event(mallory, 30023, [['d', 'y']])],
]);

it('Neither makes others acceptable, and neither stands in the way of what does', () => {
  const { submit } = holding(
    repo,
    event(mallory, 10317, [['e', later.id]]),
    event(bob, 1, [
      ['a', address(alice, 'repo')],
      ['e', later.id],
    ]),
  )();
  expect(submit(later)).toBe('accept');
});

it('More refs than a state may have are refused, and quickly', () => {
  const refs = Array.from({ length: 100_000 }, (_, n) => [`refs/heads/b${n}`, sha1]);
  expect(withBob().submit(state(alice, 'repo', ...refs))).toBe('invalid: more than 20000 refs');
});
