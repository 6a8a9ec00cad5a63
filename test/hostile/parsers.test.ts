import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { isRefName } from '../../src/git/ref-name.js';
import { isPublicAddress } from '../../src/network/address-policy.js';
import { parseAddress } from '../../src/nostr/address.js';
import { deletionTargets } from '../../src/nostr/deletion.js';
import { eventBytes, expirationOf, type NostrEvent, parseEvent } from '../../src/nostr/event.js';
import { type Filter, parseFilter, type TagKey } from '../../src/nostr/filter.js';
import { compileFilters } from '../../src/nostr/filter-match.js';
import { parseClientMessage, parseRelayMessage } from '../../src/nostr/message.js';
import { OwnService, tryNormaliseRelayUrl } from '../../src/nostr/relay-url.js';
import { eventRepositories, parseAnnouncement, referencesOf } from '../../src/nostr/repository.js';
import { parsePullRequest } from '../../src/repositories/pull-request.js';
import { parseRepositoryState } from '../../src/repositories/repository-state.js';
import { filterKey } from '../../src/store/filter-key.js';
import { parseInformation } from '../../src/sync/dial/information.js';
import { readRejection, rejectsNegentropy } from '../../src/sync/peer/rejection.js';
import { workOf } from '../support/work.js';

/** What a stranger sends at most, in characters, and the work that each of them may make: texts are read for phrases. */
const charsMax = limits.clientMessageBytesMax;
const workPerCharMax = 50;

const hex = (number: number) => number.toString(16).padStart(64, '0');
const list = <T>(length: number, item: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => item(index));
const repeated = (piece: string) => (chars: number) => piece.repeat(Math.ceil(chars / piece.length));
const frame = (...message: readonly unknown[]) => JSON.stringify(message);

/** An event of that many characters, full of tags. */
function eventOf(
  kind: number,
  chars: number,
  tag: (index: number) => string[],
  first: string[][] = [],
): NostrEvent {
  const tags = [...first, ...list(Math.floor(chars / (JSON.stringify(tag(0)).length + 1)), tag)];
  return { id: hex(1), pubkey: hex(2), created_at: 1, kind, tags, content: '', sig: 'a'.repeat(128) };
}

function filterOf(chars: number): Filter {
  const each = Math.min(limits.filterListItemsMax, Math.floor(chars / 70 / 5));
  const filter: Filter = { ids: list(each, hex), authors: list(each, hex) };
  for (const key of ['#e', '#a', '#x'] as TagKey[])
    filter[key] = list(each, (index) => `${key}${hex(index)}`);
  return filter;
}

/** Ways to make a parser work: its name, what it is given, and how it reads that; to refuse is a good answer too. */
type Trial = readonly [what: string, prepare: (chars: number) => () => unknown];

function trial<T>(what: string, input: (chars: number) => T, read: (value: T) => unknown): Trial {
  const prepare = (chars: number) => {
    const value = input(chars);
    return () => {
      try {
        read(value);
      } catch (error) {
        if (error instanceof RangeError) throw error;
      }
    };
  };
  return [what, prepare];
}

const wording = [
  'results ',
  'limit ',
  'too many ',
  'at most ',
  'too many open concurrent ',
  'ids limit max ',
];
const signs = ['1', '1,', '_', ' ', '-', '\n', 'é', '\0'];
const urlParts = ['/', '.', ' ', '[', ']', '%', '@', ':', '?', 'a.', '//', '\t'];
const own = new OwnService('grasp.example', '127.0.0.1:7334');

const texts: readonly Trial[] = [...wording, ...signs].flatMap((piece) => [
  trial(`a rejection with '${piece}'`, repeated(piece), (text) => readRejection(text)),
  trial(`a notice of '${piece}'`, repeated(piece), (text) => rejectsNegentropy(text)),
]);

const names: readonly Trial[] = urlParts.flatMap((piece) => [
  trial(`a relay URL of '${piece}'`, (chars) => `wss://${repeated(piece)(chars)}`, tryNormaliseRelayUrl),
  trial(
    `one URL more, of '${piece}'`,
    (chars) => `${repeated(piece)(chars)}x`,
    (url) => own.isNamedBy(url),
  ),
  trial(`an IP address of '${piece}'`, repeated(piece), isPublicAddress),
  trial(`an address of '${piece}'`, (chars) => `30617:${hex(1)}:${repeated(piece)(chars)}`, parseAddress),
  trial(`a ref of '${piece}'`, (chars) => `refs/heads/${repeated(piece)(chars)}`, isRefName),
]);

const relays = (chars: number) => [
  'relays',
  ...list(Math.floor(chars / 30), (n) => `wss://relay${n}.example/`),
];
const events: readonly Trial[] = [
  trial(
    'tags',
    (chars) =>
      frame(
        'EVENT',
        eventOf(1, chars, () => ['e']),
      ),
    parseClientMessage,
  ),
  trial(
    'tags of one event',
    (chars) =>
      frame(
        'EVENT',
        'l1',
        eventOf(1, chars, () => []),
      ),
    parseRelayMessage,
  ),
  trial('parts of one tag', (chars) => eventOf(1, 0, () => [], [list(chars / 4, () => '')]), parseEvent),
  trial('bytes', (chars) => eventOf(1, chars, (n) => ['p', `${n}`]), eventBytes),
  trial(
    'an expiration',
    (chars) => eventOf(1, 0, () => [], [['expiration', '1'.repeat(chars)]]),
    expirationOf,
  ),
  trial('references', (chars) => eventOf(1, chars, (n) => ['q', `30617:${hex(n)}:${n}`]), referencesOf),
  trial('the same reference', (chars) => eventOf(1, chars, () => ['e', hex(3)]), referencesOf),
  trial(
    'what it is about',
    (chars) => eventOf(1, chars, (n) => ['a', `30617:${hex(n)}:`]),
    eventRepositories,
  ),
  trial('deletions', (chars) => eventOf(5, chars, (n) => ['a', `30617:${hex(2)}:${n}`]), deletionTargets),
  trial(
    'an announcement of relays',
    (chars) => eventOf(30617, 0, () => [], [['d', 'x'], relays(chars)]),
    parseAnnouncement,
  ),
  trial(
    'an announcement of tags',
    (chars) => eventOf(30617, chars, () => ['maintainers', hex(4)], [['d', 'x']]),
    parseAnnouncement,
  ),
  trial(
    'a state',
    (chars) => eventOf(30618, chars, (n) => [`refs/heads/${n}`, 'a'.repeat(40)], [['d', 'x']]),
    parseRepositoryState,
  ),
  trial(
    'a state of folders',
    (chars) =>
      eventOf(
        30618,
        chars,
        (n) => [`refs/heads/${'a/'.repeat(250)}${n % 2 === 0 ? 'b/' : ''}${n}`, 'a'.repeat(40)],
        [['d', 'x']],
      ),
    parseRepositoryState,
  ),
  trial(
    'a pull request',
    (chars) => eventOf(1618, chars, (n) => ['a', `30617:${hex(n)}:x`], [['c', 'a'.repeat(40)]]),
    parsePullRequest,
  ),
];

const filters: readonly Trial[] = [
  trial('a filter', filterOf, parseFilter),
  trial('its key', filterOf, filterKey),
  trial(
    'values that repeat',
    (chars) => ({ '#e': list(Math.min(5_000, chars / 5), () => 'x') }),
    parseFilter,
  ),
  trial(
    'a request',
    (chars) => frame('REQ', 's', ...list(20, () => filterOf(chars / 20))),
    parseClientMessage,
  ),
  trial(
    'names that no filter has',
    (chars) => Object.fromEntries(list(chars / 10, (n) => [`${n}`, []])),
    parseFilter,
  ),
  trial(
    'a match with an event',
    (chars) => [filterOf(chars), eventOf(1, chars, (n) => ['e', `${n}`])] as const,
    ([{ ids: _, authors: __, ...filter }, event]) => compileFilters([filter])(event),
  ),
  trial(
    'matches with an event',
    (chars) =>
      [
        list(20, () => ({ '#e': list(chars / 300, (n) => `x${n}`) })),
        eventOf(1, chars, (n) => ['e', `${n}`]),
      ] as const,
    ([some, event]) => compileFilters(some)(event),
  ),
  trial(
    'an answer to what we asked',
    (chars) => [list(20, () => ({ '#e': list(100, hex) })), eventOf(1, chars, (n) => ['e', `${n}`])] as const,
    ([some, event]) => compileFilters(some)(event),
  ),
];

const messages: readonly Trial[] = [
  trial('a NOTICE', (chars) => frame('NOTICE', 'x'.repeat(chars)), parseRelayMessage),
  trial('a challenge', (chars) => frame('AUTH', 'x'.repeat(chars)), parseRelayMessage),
  trial('a message of many parts', (chars) => JSON.stringify(list(chars / 5, () => 'OK')), parseRelayMessage),
  trial('an unknown message', (chars) => frame('x'.repeat(chars), 1), parseClientMessage),
  trial(
    'relay information',
    (chars) => JSON.stringify({ supported_nips: list(chars / 2, () => 1) }),
    parseInformation,
  ),
];

describe('what a stranger sends is read in time that grows as it does, whatever it is', () => {
  it.each([...texts, ...names, ...events, ...filters, ...messages])('%s', (_, prepare) => {
    const [half, whole] = [prepare(charsMax / 2), prepare(charsMax)];
    // The first run makes what is made once.
    workOf(prepare(1_000));
    const work = workOf(whole);
    expect(work).toBeLessThan(2.2 * workOf(half) + 2_000);
    expect(work).toBeLessThan(workPerCharMax * charsMax);
  });
});

describe('a text of a remote', () => {
  const long = 'results '.repeat(100_000);

  it.each([
    ['NOTICE', frame('NOTICE', long)],
    ['CLOSED', frame('CLOSED', 'r1', long)],
    ['OK', frame('OK', hex(1), false, long)],
    ['NEG-ERR', frame('NEG-ERR', 'n1', long)],
  ])('is cut before anybody looks at it: %s', (_, text) => {
    const message = parseRelayMessage(text) as { text?: string; reason?: string };
    expect(message.text ?? message.reason).toBe(long.slice(0, limits.remoteTextCharsMax));
  });

  it('is refused where it cannot be cut: a challenge', () => {
    const challenge = 'c'.repeat(limits.remoteTextCharsMax);
    expect(parseRelayMessage(frame('AUTH', challenge))).toEqual({ type: 'AUTH', challenge });
    expect(() => parseRelayMessage(frame('AUTH', `${challenge}c`))).toThrow('the challenge is too long');
  });

  it('names a cap among however many numbers', () => {
    expect(readRejection('12 results max '.repeat(200_000))).toEqual({
      type: 'too-many-results',
      itemsMax: 12,
    });
  });
});
