import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { Promised } from './promised.js';

const alice = testIdentity(1);
const now = 2_000_000_000;

function said(...events: readonly NostrEvent[]): Promised {
  const promised = new Promised();
  for (const event of events) promised.acknowledged(event);
  return promised;
}

const version = (created_at: number) => signedEvent(alice, { kind: 30023, created_at, tags: [['d', 'x']] });

describe('what a daemon promised', () => {
  it('is what it acknowledged, less what later events and the operator remove', () => {
    const [kept, deleted, taken] = ['kept', 'deleted', 'taken'].map((content) =>
      signedEvent(alice, { content }),
    );
    const [old, newer] = [version(1), version(2)];
    const expired = signedEvent(alice, { tags: [['expiration', String(now - 9)]] });
    const deletion = signedEvent(alice, { kind: 5, tags: [['e', deleted!.id]] });
    const foreign = signedEvent(testIdentity(2), { kind: 5, tags: [['e', kept!.id]] });
    const promised = said(kept!, deleted!, taken!, newer, old, expired, deletion, foreign);
    promised.takenAway([taken!.id]);
    const { present, absent } = promised.expectations(now);
    expect(new Set(present)).toEqual(new Set([kept!.id, newer.id, deletion.id, foreign.id]));
    expect(new Set(absent)).toEqual(new Set([deleted!.id, taken!.id, old.id, expired.id]));
  });

  it('leaves open what was not answered, until it is seen what is there', () => {
    const [old, newer] = [version(1), version(2)];
    for (const isThere of [true, false]) {
      const promised = said(old);
      promised.asked(newer);
      expect(promised.expectations(now)).toEqual({ present: [], absent: [] });
      expect(promised.doubtful).toEqual([newer.id]);
      promised.resolve(new Set(isThere ? [newer.id] : [old.id]));
      const [present, absent] = isThere ? [[newer.id], [old.id]] : [[old.id], []];
      expect(promised.expectations(now)).toEqual({ present, absent });
    }
  });

  it('ends at a deletion of an address with what is newer', () => {
    const request = signedEvent(alice, { kind: 5, created_at: 2, tags: [['a', `30023:${alice.pubkey}:x`]] });
    const { present, absent } = said(version(1), version(2), request).expectations(now);
    expect(present).toEqual([request.id]);
    expect(absent).toHaveLength(2);
    expect(said(request, version(3)).expectations(now).present).toHaveLength(2);
  });
});
