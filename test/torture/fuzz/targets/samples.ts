import { eventJson, type NostrEvent } from '../../../../src/nostr/event.js';
import { npubOf } from '../../../../src/nostr/keys.js';
import { QuickSigner } from '../../../support/quick-signing.js';

/** Who signs the events that inputs begin with. */
export const signer = new QuickSigner(new Uint8Array(32).fill(7));
export const npub = npubOf(signer.pubkey);
export const commit = 'c0ffee'.repeat(6).padEnd(40, '0');
export const id64 = 'e1'.repeat(32);
const address = `30617:${signer.pubkey}:repo`;

const sign = (kind: number, tags: string[][], content = '') =>
  signer.sign({ kind, created_at: 1_700_000_000, tags, content });

/** Events of the kinds that this program knows, as clients write them. */
export const sampleEvents: readonly NostrEvent[] = [
  sign(
    1,
    [
      ['t', 'x'],
      ['e', id64, 'wss://relay.example', 'root'],
      ['p', signer.pubkey],
    ],
    'a "note"\n€ 😀',
  ),
  sign(
    5,
    [
      ['e', id64],
      ['a', address],
      ['k', '1'],
    ],
    'gone',
  ),
  sign(6, [['e', id64]], eventJson(sign(1, [['-']], 'protected'))),
  sign(30617, [
    ['d', 'repo'],
    ['name', 'A repository'],
    ['description', 'of something'],
    ['clone', `https://git.example/${npub}/repo.git`, 'https://other.example/repo.git'],
    ['relays', 'wss://git.example', 'wss://relay.example/'],
    ['maintainers', 'ab'.repeat(32)],
    ['M', 'cd'.repeat(32)],
    ['r', commit, 'euc'],
  ]),
  sign(30618, [
    ['d', 'repo'],
    ['refs/heads/main', commit],
    ['refs/heads/a/b', commit],
    ['refs/tags/v1', commit],
    ['refs/tags/v1^{}', commit],
    ['HEAD', 'ref: refs/heads/main'],
  ]),
  sign(
    1617,
    [
      ['a', address],
      ['r', commit],
      ['commit', commit],
    ],
    'From c0ffee\nSubject: [PATCH]',
  ),
  sign(1618, [
    ['a', address],
    ['c', commit],
    ['clone', `https://git.example/prs/${npub}/repo.git`],
    ['branch-name', 'x'],
  ]),
  sign(1619, [
    ['E', id64],
    ['a', address],
    ['c', commit],
  ]),
  sign(
    1621,
    [
      ['a', address],
      ['subject', 'it fails'],
    ],
    'why',
  ),
  sign(
    1111,
    [
      ['A', address],
      ['K', '30617'],
      ['q', id64],
      ['expiration', '1800000000'],
    ],
    'a comment',
  ),
  sign(22242, [
    ['relay', 'wss://git.example'],
    ['challenge', 'abc'],
  ]),
];

export const sampleFilters = [
  {},
  { ids: [id64], limit: 1 },
  { authors: [signer.pubkey], kinds: [1, 30617], since: 1, until: 2_000_000_000, limit: 500 },
  { kinds: [1617, 1618, 1621], '#a': [address], '#A': [address], '#t': ['x', '€'] },
  { '#e': [id64], '#p': [signer.pubkey], since: 0 },
] as const;

/** Texts, or values as JSON, as inputs. */
export function buffersOf(values: readonly unknown[]): Buffer[] {
  return values.map((value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
}
