import type { Random } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { between, chance, pick, randomHex, sample } from '../random.js';
import { addressOfPlan, type Cast, ownDomain, type RelayPlan, type RepositoryPlan } from './cast.js';
import { signed } from './signing.js';

/** An announcement of a repository by its owner, or by a maintainer under the same identifier. */
export function announcement(
  random: Random,
  repository: RepositoryPlan,
  author: string,
  at: number,
  changes: { readonly listsUs?: boolean; readonly relays?: readonly RelayPlan[] } = {},
): NostrEvent {
  const relays = (changes.relays ?? repository.relays).map(({ spellings }) => pick(random, spellings));
  const clone = relays.map((relay) => relay.replace(/^wss/i, 'https').replace(/\/.*@/, '//'));
  if (changes.listsUs ?? repository.listsUs) {
    relays.splice(between(random, 0, relays.length), 0, `wss://${ownDomain}`);
    clone.splice(
      between(random, 0, clone.length),
      0,
      `https://${ownDomain}/npub1x/${repository.identifier}.git`,
    );
  }
  const tags = [
    ['d', repository.identifier],
    ['name', repository.identifier],
  ];
  if (relays.length > 0) {
    // Some write one tag with all, some one tag for each.
    if (chance(random, 0.8)) tags.push(['clone', ...clone], ['relays', ...relays]);
    else tags.push(...clone.map((url) => ['clone', url]), ...relays.map((relay) => ['relays', relay]));
  }
  if (repository.maintainers.length > 0) tags.push(['maintainers', ...repository.maintainers]);
  return signed({ pubkey: author, created_at: at, kind: 30_617, tags, content: '' });
}

/** The refs of a repository as an author sees them. */
export function state(random: Random, identifier: string, author: string, at: number): NostrEvent {
  const tags = [
    ['d', identifier],
    ['HEAD', 'ref: refs/heads/main'],
  ];
  tags.push(['refs/heads/main', randomHex(random, 40)]);
  if (chance(random, 0.3)) tags.push(['refs/tags/v1', randomHex(random, 40)]);
  return signed({ pubkey: author, created_at: at, kind: 30_618, tags, content: '' });
}

/** An issue, patch, pull request or older root of a repository. */
export function root(random: Random, cast: Cast, repository: RepositoryPlan, at: number): NostrEvent {
  const kind = pick(random, [1621, 1621, 1621, 1617, 1617, 1618, 1622, 1630]);
  const tags = [
    ['a', addressOfPlan(repository)],
    ['p', repository.owner],
  ];
  if (chance(random, 0.2)) {
    for (const key of repository.maintainers) tags.push(['a', `30617:${key}:${repository.identifier}`]);
  }
  if (kind === 1618) tags.push(['c', randomHex(random, 40)]);
  return signed({ pubkey: pick(random, cast.authors), created_at: at, kind, tags, content: noise(random) });
}

/** Something that is said about a root or about something that was said about it. */
export function reply(
  random: Random,
  cast: Cast,
  about: { readonly root: NostrEvent; readonly parent: NostrEvent; readonly address: string },
  at: number,
): NostrEvent {
  const pubkey = pick(random, cast.authors);
  const { id } = about.root;
  const make = (kind: number, tags: string[][]) =>
    signed({ pubkey, created_at: at, kind, tags, content: noise(random) });
  const forms: (() => NostrEvent)[] = [
    () =>
      make(1111, [
        ['E', id],
        ['K', String(about.root.kind)],
        ['e', about.parent.id],
        ['p', about.parent.pubkey],
      ]),
    () =>
      make(1111, [
        ['E', id],
        ['e', about.parent.id],
        ['A', about.address],
      ]),
    () =>
      make(1111, [
        ['A', about.address],
        ['a', about.address],
      ]),
    () =>
      make(pick(random, [1631, 1632, 1633]), [
        ['e', id, '', 'root'],
        ['a', about.address],
      ]),
    () => make(1632, [['e', id]]),
    () =>
      make(1617, [
        ['a', about.address],
        ['e', id, '', 'root'],
      ]),
    () =>
      make(1619, [
        ['E', id],
        ['a', about.address],
        ['c', randomHex(random, 40)],
      ]),
    () =>
      make(1985, [
        ['e', id],
        ['L', '#t'],
        ['l', 'bug', '#t'],
      ]),
    () => make(1, [['q', pick(random, [id, about.address])]]),
    () => make(7, [['e', about.parent.id]]),
  ];
  return pick(random, forms)();
}

/** A request of an author to delete events of theirs. */
export function deletion(
  random: Random,
  target: NostrEvent,
  address: string | undefined,
  at: number,
): NostrEvent {
  const tags: string[][] = [];
  const identifier = target.tags.find(([name]) => name === 'd')?.[1];
  if (target.kind >= 30_000 && identifier !== undefined)
    tags.push(['a', `${target.kind}:${target.pubkey}:${identifier}`]);
  else tags.push(['e', target.id]);
  if (address !== undefined && chance(random, 0.5)) tags.push(['q', address]);
  return signed({ pubkey: target.pubkey, created_at: at, kind: 5, tags, content: '' });
}

/** What must never be stored, in all its forms. */
export function spam(random: Random, cast: Cast, at: number): NostrEvent {
  const pubkey = pick(random, cast.authors);
  const { owner, identifier } = pick(random, cast.repositories);
  const stranger = randomHex(random, 64);
  const make = (kind: number, tags: string[][], by = pubkey) =>
    signed({ pubkey: by, created_at: at, kind, tags, content: noise(random) });
  const us = [
    ['clone', `https://${ownDomain}/npub1x/x.git`],
    ['relays', `wss://${ownDomain}`],
  ];
  const forms: (() => NostrEvent)[] = [
    () => make(1, []),
    () =>
      make(1, [
        ['e', randomHex(random, 64)],
        ['a', `30617:${stranger}:${identifier}`],
      ]),
    () => make(1621, [['a', `30617:${stranger}:nothing`]]),
    () =>
      make(
        30_618,
        [
          ['d', identifier],
          ['refs/heads/main', randomHex(random, 40)],
        ],
        stranger,
      ),
    () =>
      make(30_618, [
        ['d', `unknown ${randomHex(random, 8)}`],
        ['refs/heads/main', randomHex(random, 40)],
      ]),
    () =>
      make(
        30_617,
        [
          ['d', `elsewhere ${randomHex(random, 8)}`],
          ['relays', 'wss://relay-0.example'],
        ],
        stranger,
      ),
    () => make(30_617, us, stranger),
    () => make(30_617, [['d', '..'], ...us], stranger),
    () => make(30_617, [['d', 'a/b'], ...us], stranger),
    () =>
      make(
        30_617,
        [
          ['d', 'twice'],
          ['clone', 'https://a.example/x'],
          ['clone', 'https://b.example/x'],
          ['relays', `wss://${ownDomain}`],
        ],
        stranger,
      ),
    () =>
      make(
        30_617,
        [
          ['d', 'half'],
          ['relays', `wss://${ownDomain}`],
        ],
        stranger,
      ),
    () =>
      make(30_617, [
        ['d', 'near'],
        ['clone', `https://not-${ownDomain}/x`],
        ['relays', `wss://${ownDomain}.evil`],
      ]),
    () => make(1618, [['a', `30617:${owner}:${identifier}`]]),
    () =>
      make(1619, [
        ['a', `30617:${owner}:${identifier}`],
        ['c', 'not a commit'],
      ]),
    () => make(0, [], stranger),
    () => make(30_023, [['d', 'article']], stranger),
  ];
  return pick(random, forms)();
}

/** Strange times that events carry in the field, in seconds: from the first to what no number can tell apart. */
export function oddTime(random: Random, now: number): number {
  return pick(random, [0, 1, now + 86_400, now + 31_536_000, 2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1, 2 ** 53]);
}

/** A few authors' own lists, which are welcome without any relation. */
export function graspList(random: Random, cast: Cast, at: number): NostrEvent {
  const tags = sample(random, cast.relays, 2).map(({ url }) => ['g', url]);
  return signed({ pubkey: pick(random, cast.authors), created_at: at, kind: 10_317, tags, content: '' });
}

export function noise(random: Random): string {
  return randomHex(random, between(random, 1, 40));
}
