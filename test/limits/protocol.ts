import { isRefName } from '../../src/git/ref-name.js';
import { messageFromHex } from '../../src/negentropy/wire/frame.js';
import { MessageReader } from '../../src/negentropy/wire/reader.js';
import { checkedFrameLimit } from '../../src/negentropy/wire/writer.js';
import { parseBoundedJson } from '../../src/nostr/bounded-json.js';
import { type NostrEvent, parseEvent } from '../../src/nostr/event.js';
import { parseFilter } from '../../src/nostr/filter.js';
import { parseClientMessage, parseRelayMessage } from '../../src/nostr/message.js';
import { tryNormaliseRelayUrl } from '../../src/nostr/relay-url.js';
import { parseAnnouncement } from '../../src/nostr/repository.js';
import { parsePullRequest } from '../../src/repositories/pull-request.js';
import { checkedIdentifier } from '../../src/repositories/repository-identifier.js';
import { parseRepositoryState } from '../../src/repositories/repository-state.js';
import type { Entry } from './entry.js';
import { hex, many, takes } from './entry.js';

const eventOf = (tags: string[][], more: Partial<NostrEvent> = {}): NostrEvent => ({
  id: hex(1),
  pubkey: hex(2),
  created_at: 1,
  kind: 1,
  tags,
  content: '',
  sig: 'a'.repeat(128),
  ...more,
});
const commit = 'c'.repeat(40);
const json = (text: string): boolean => takes(() => parseBoundedJson(text));
const sent = (...message: readonly unknown[]): boolean =>
  takes(() => parseClientMessage(JSON.stringify(message)));

/** What strangers send, by what reads it. */
export const protocolEntries = {
  jsonDepthMax: { edge: (depth) => json('['.repeat(depth) + ']'.repeat(depth)) },
  jsonObjectsMax: { edge: (objects) => json(`[${many(objects, () => '{}')}]`) },
  // The one around them is one of them.
  jsonArraysMax: { edge: (arrays) => json(`[${many(arrays - 1, () => '[]')}]`) },
  jsonFieldsMax: { edge: (fields) => json(`{${many(fields, (at) => `"${at}":0`)}}`) },

  eventTagsMax: { edge: (tags) => takes(() => parseEvent(eventOf(many(tags, () => ['t'])))) },
  filterListItemsMax: { edge: (items) => takes(() => parseFilter({ ids: many(items, hex) })) },
  filterValuesMax: {
    edge: (values) => {
      const lists = { ids: many(4_000, hex), authors: many(4_000, hex) };
      return takes(() => parseFilter({ ...lists, '#e': many(values - 8_000, hex) }));
    },
  },
  urlCharsMax: { edge: (chars) => tryNormaliseRelayUrl('wss://a.example/'.padEnd(chars, 'x')) !== undefined },
  announcementValuesMax: {
    edge: (values) =>
      ['clone', 'relays'].every((name) =>
        takes(() =>
          parseAnnouncement(
            eventOf([
              ['d', 'a'],
              [name, ...many(values, hex)],
            ]),
          ),
        ),
      ),
  },
  announcementMaintainersMax: {
    edge: (keys) =>
      takes(() =>
        parseAnnouncement(
          eventOf([
            ['d', 'a'],
            ['maintainers', ...many(keys, hex)],
          ]),
        ),
      ),
  },
  requestFiltersMax: { edge: (filters) => sent('REQ', 'a', ...many(filters, () => ({}))) },
  subscriptionIdCharsMax: { edge: (chars) => sent('CLOSE', 'x'.repeat(chars)) },
  remoteTextCharsMax: {
    edge: (chars) => {
      const text = 'x'.repeat(chars);
      const notice = parseRelayMessage(JSON.stringify(['NOTICE', text]));
      const isWhole = notice.type === 'NOTICE' && notice.text === text;
      return takes(() => parseRelayMessage(JSON.stringify(['AUTH', text]))) && isWhole;
    },
  },

  identifierBytesMax: {
    edge: (bytes) => takes(() => checkedIdentifier(eventOf([['d', `é${'x'.repeat(bytes - 2)}`]]))),
  },
  stateRefsMax: {
    edge: (refs) =>
      takes(() => {
        const tags = many(refs, (at) => [`refs/heads/${at}`, commit]);
        parseRepositoryState(eventOf([['d', 'a'], ...tags], { kind: 30618 }));
      }),
  },
  pullRequestRepositoriesMax: {
    edge: (repositories) =>
      takes(() => {
        const tags = many(repositories, (at) => ['a', `30617:${hex(at)}:a`]);
        parsePullRequest(eventOf([['c', commit], ...tags], { kind: 1618 }));
      }),
  },
  refNameBytesMax: {
    edge: (bytes) => {
      const parts = `refs/heads/é/${`${'0123456789'.repeat(10)}/`.repeat(20)}`;
      // Two bytes for one character; no part is too long, none is empty, and there are few.
      return isRefName(parts.slice(0, bytes - 2).concat('x'));
    },
  },
  refNamePartsMax: {
    edge: (parts) => ['x', 'é'].every((last) => isRefName(`refs/heads/${'x/'.repeat(parts - 3)}${last}`)),
  },
  refNamePartBytesMax: {
    edge: (bytes) =>
      ['x', 'é'].every((first) => {
        const room = bytes - Buffer.byteLength(first);
        return isRefName(`refs/heads/${first}${'x'.repeat(room)}`);
      }),
  },

  negentropyFrameBytesMin: { edge: (bytes) => takes(() => checkedFrameLimit(bytes)) },
  negentropyMessageBytesMax: {
    edge: (bytes) => {
      const isRead = takes(() => new MessageReader(new Uint8Array(bytes).fill(0x61)));
      return takes(() => messageFromHex('61'.repeat(bytes))) && isRead;
    },
  },
  negentropyMessageRangesMax: {
    edge: (ranges) => {
      // All of them skips to the same bound: of no time, without an id.
      const message = new Uint8Array(1 + ranges * 3).fill(0);
      message[0] = 0x61;
      for (let at = 1; at < message.length; at += 3) message[at] = 1;
      const reader = new MessageReader(message);
      while (reader.next() !== undefined);
      return !reader.isCut;
    },
  },
  negentropyStalledRoundsMax: {
    test: ['negentropy/hostile.test.ts', 'that answers nothing of what it is asked is given up'],
  },
  negentropyRoundsBase: {
    test: ['negentropy/hostile.test.ts', 'that halves its ranges for ever is given up'],
  },
  negentropyOpenRangesMax: {
    test: ['negentropy/hostile.test.ts', 'that halves its ranges for ever is given up'],
  },
  negentropyNeedIdsMax: {
    test: ['negentropy/hostile.test.ts', 'that names ids without end is given up at the limit'],
  },
} as const satisfies Record<string, Entry>;
