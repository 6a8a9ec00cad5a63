import fc from 'fast-check';
import { isIdentifier } from '../../../../src/config/identifier.js';
import { createWasmKernels } from '../../../../src/kernels/wasm/kernels.js';
import { isHex32 } from '../../../../src/lib/bytes.js';
import { addressOf, formatAddress, parseAddress } from '../../../../src/nostr/address.js';
import { deletionTargets } from '../../../../src/nostr/deletion.js';
import {
  eventBytes,
  eventHash,
  eventJson,
  expirationOf,
  hasLoneSurrogates,
  InvalidEventError,
  isSameEvent,
  type NostrEvent,
  parseEvent,
} from '../../../../src/nostr/event.js';
import { encodeBody } from '../../../../src/nostr/event-body.js';
import { type Filter, InvalidFilterError, parseFilter } from '../../../../src/nostr/filter.js';
import { compileFilter, IndexedEvent } from '../../../../src/nostr/filter-match.js';
import { protectingAuthor } from '../../../../src/nostr/protected.js';
import { normaliseRelayUrl, OwnService } from '../../../../src/nostr/relay-url.js';
import { eventRepositories, parseAnnouncement, referencesOf } from '../../../../src/nostr/repository.js';
import { prsRepositoriesOf } from '../../../../src/repositories/prs-repositories.js';
import { parsePullRequest } from '../../../../src/repositories/pull-request.js';
import { parseRepositoryState } from '../../../../src/repositories/repository-state.js';
import { filterKey } from '../../../../src/store/filter-key.js';
import { LazyBody } from '../../../../src/store/log/bodies/body-codec.js';
import { bodyIn, sealBody, unsealBody } from '../../../../src/store/log/bodies/sealed-body.js';
import { matchesByNostrTools } from '../../../kernels/filter-cases.js';
import { attempt, claim, claimSame, type Target } from '../target.js';
import { isGitRefName } from './git-ref-rules.js';
import { buffersOf, sampleEvents, sampleFilters } from './samples.js';

/** A value as JSON; `undefined` where the input is none. */
function jsonOf(input: Buffer): { readonly value: unknown } | undefined {
  return attempt(() => ({ value: JSON.parse(input.toString('utf8')) as unknown }), SyntaxError);
}

function eventOf(input: Buffer): NostrEvent | undefined {
  const parsed = jsonOf(input);
  return parsed && attempt(() => parseEvent(parsed.value), InvalidEventError);
}

const tagNames = [
  'd',
  'e',
  'a',
  'q',
  'p',
  'clone',
  'relays',
  'maintainers',
  'M',
  'o',
  'c',
  'HEAD',
  'refs/heads/x',
  '-',
];
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '..',
    'refs/heads/a',
    `30617:${'a'.repeat(64)}:x`,
    'b'.repeat(64),
    'c'.repeat(40),
    'wss://a.example',
  ),
);
const structuredEvent: fc.Arbitrary<Buffer> = fc
  .record({
    id: fc.constant('d'.repeat(64)),
    pubkey: fc.constant('a'.repeat(64)),
    created_at: fc.maxSafeNat(),
    kind: fc.oneof(fc.constantFrom(1, 5, 6, 16, 1618, 1619, 30617, 30618), fc.nat(65_535)),
    tags: fc.array(
      fc
        .tuple(fc.constantFrom(...tagNames), fc.array(texts, { maxLength: 4 }))
        .map(([name, rest]) => [name, ...rest]),
      { maxLength: 12 },
    ),
    content: texts,
    sig: fc.constant('f'.repeat(128)),
  })
  .map((event) => Buffer.from(JSON.stringify(event)));

const events: Target = {
  name: 'event',
  form: 'json',
  words: ['created_at', 'kind', '"tags":', '["-"]', '\\u0000', '\\ud800'],
  seeds: () => buffersOf(sampleEvents),
  structured: structuredEvent,
  run(input) {
    const event = eventOf(input);
    if (event === undefined) return;
    const json = eventJson(event);
    claimSame(parseEvent(JSON.parse(json)), event, 'an event is not what it was read from');
    const body = encodeBody(event);
    const lazy = new LazyBody(7, body);
    claim(lazy.id === event.id && lazy.json === json, 'an event is another one when it comes from the store');
    claim(isSameEvent(lazy.event, event), 'an event is not the same as itself');
    const sealed = sealBody(body, 7);
    claim(
      Buffer.from(bodyIn(sealed)).equals(body) && unsealBody(sealed, 7) !== undefined,
      'a sealed body is lost',
    );
    claim(eventBytes(event) >= Buffer.byteLength(json), 'an event takes more bytes than are counted');
    claim(isHex32(eventHash(event)), 'an event has no hash');
    claim(event.content.isWellFormed() || hasLoneSurrogates(event), 'half a pair is not seen');
    for (const target of deletionTargets(event).addresses)
      claim(target.pubkey === event.pubkey, 'what is of others is deleted');
    for (const id of [...referencesOf(event).ids, ...deletionTargets(event).ids])
      claim(isHex32(id), 'a reference is no id');
    for (const address of referencesOf(event).addresses)
      claim(parseAddress(address) !== undefined, 'a reference is no address');
    const address = addressOf(event);
    if (address !== undefined)
      claimSame(parseAddress(formatAddress(address)), address, 'an address is another one');
    const expiration = expirationOf(event);
    claim(expiration === undefined || Number.isSafeInteger(expiration), 'an expiration is no time');
    claim(typeof (protectingAuthor(event) ?? '') === 'string', 'an author is no text');
  },
};

const own = new OwnService('git.example', '127.0.0.1:7334');

const repositories: Target = {
  name: 'nip34',
  form: 'json',
  words: ['refs/heads/', 'refs/tags/', 'ref: ', '.lock', '^{}', '30617:', 'wss://', '/prs/npub1', '.git'],
  seeds: () => buffersOf(sampleEvents.filter(({ kind }) => kind > 1_000)),
  structured: structuredEvent,
  run(input) {
    const event = eventOf(input);
    if (event === undefined) return;
    const announcement = attempt(() => parseAnnouncement(event), InvalidEventError);
    if (announcement !== undefined) {
      claim(isIdentifier(announcement.identifier), 'an identifier is not fit for a path');
      for (const url of announcement.relays)
        claim(normaliseRelayUrl(url) === url, `a relay has two spellings: ${url}`);
      for (const key of announcement.maintainers)
        claim(isHex32(key) && key !== event.pubkey, 'a maintainer is no other key');
      for (const url of [...announcement.relays, ...announcement.clone]) own.isNamedBy(url);
    }
    const state = attempt(() => parseRepositoryState(event), InvalidEventError);
    if (state !== undefined) {
      claim(isIdentifier(state.identifier), 'an identifier is not fit for a path');
      const names = [...state.refs.keys()];
      for (const name of [...names, ...(state.head === undefined ? [] : [state.head])])
        claim(isGitRefName(name), `${JSON.stringify(name)} is no ref for git`);
      const folders = new Set(names.flatMap((name) => foldersOf(name)));
      claim(!names.some((name) => folders.has(name)), 'a ref is a folder of refs');
    }
    const pullRequest = attempt(() => parsePullRequest(event), InvalidEventError);
    if (pullRequest !== undefined)
      claim(/^(?:[0-9a-f]{40}){1}(?:[0-9a-f]{24})?$/.test(pullRequest.commit), 'no commit');
    for (const named of prsRepositoriesOf(event, (url) => own.isNamedBy(url)))
      claim(isHex32(named.signer) && isIdentifier(named.identifier), 'a repository has no place');
    for (const address of eventRepositories(event))
      claim(typeof address === 'string', 'an address is no text');
  },
};

function foldersOf(name: string): string[] {
  const parts = name.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}

const kernels = createWasmKernels();
const matched = [
  ...sampleEvents,
  { ...(sampleEvents[0] as NostrEvent), tags: [['t', ''], ['t'], [], ['e', 'x']], created_at: 0 },
];

const filters: Target = {
  name: 'filter',
  form: 'json',
  words: ['"#e":', '"#', 'since', 'until', 'limit', 'ids', 'authors'],
  seeds: () => buffersOf(sampleFilters),
  run(input) {
    const parsed = jsonOf(input);
    const filter = parsed && attempt(() => parseFilter(parsed.value), InvalidFilterError);
    if (filter === undefined) return;
    claimSame(
      parseFilter(JSON.parse(JSON.stringify(filter))),
      filter,
      'a filter is not what it was read from',
    );
    const reversed = Object.fromEntries(Object.entries(filter).reverse()) as Filter;
    claim(filterKey(reversed) === filterKey(filter), 'a filter has two keys');
    const matches = compileFilter(filter);
    using matcher = kernels.createFilterMatcher();
    matcher.add(filter);
    for (const event of matched) {
      const byUs = matches(new IndexedEvent(event));
      claim(
        byUs === matcher.match(event).length > 0,
        'the kernel matches what the reference does not, or not what it does',
      );
      claim(byUs === matchesByNostrTools(filter, event), 'nostr-tools matches otherwise');
    }
  },
};

export const eventTargets: readonly Target[] = [events, repositories, filters];
