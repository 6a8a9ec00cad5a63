import { describe, expect, it } from 'vitest';
import { deletionTargets } from '../../src/nostr/deletion.js';
import { signedEvent, testIdentity } from '../support/events.js';

const author = testIdentity(1);

describe('what a deletion request deletes', () => {
  it('is each target once, however often it is named: each is looked for among all versions that there were', () => {
    const id = 'a'.repeat(64);
    const address = `30617:${author.pubkey}:repo`;
    const another = `30617:${author.pubkey}:other`;
    const foreign = `30617:${testIdentity(2).pubkey}:repo`;
    const named = [address, another, foreign].map((value) => ['a', value]);
    const tags = Array.from({ length: 300 }, () => [['e', id], ['e', 'no id'], ...named]).flat();
    const { ids, addresses } = deletionTargets(signedEvent(author, { kind: 5, tags }));
    expect(ids).toEqual([id]);
    expect(addresses.map(({ identifier }) => identifier)).toEqual(['repo', 'other']);
  });
});
