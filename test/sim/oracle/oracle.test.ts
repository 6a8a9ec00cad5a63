import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { RemoteRelay } from '../relay/remote-relay.js';
import { silent } from '../trace.js';
import type { RepositoryPlan } from '../world/cast.js';
import { announcement, root } from '../world/events.js';
import { names } from '../world/names.js';
import { signed } from '../world/signing.js';
import { drawUniverse } from '../world/universe.js';
import { findMissing } from './completeness.js';
import { acceptableInSomeOrder } from './policy-model.js';

const relayPlan = { url: 'wss://relay-0.example', spellings: ['wss://relay-0.example/'] };
const owner = 'a'.repeat(64);
const repository: RepositoryPlan = {
  owner,
  identifier: 'r',
  maintainers: [],
  listsUs: true,
  relays: [relayPlan],
};
const cast = { authors: [owner], relays: [relayPlan], repositories: [repository] };
const random = seededRandom(1);
const announced = announcement(random, repository, owner, 100);
const issue = root(random, cast, repository, 200);
const comment = signed({ pubkey: owner, created_at: 300, kind: 1111, tags: [['E', issue.id]], content: '' });
const spam = signed({ pubkey: owner, created_at: 300, kind: 1, tags: [], content: '' });

function missing(stored: (typeof issue)[], everStored = stored, others: (typeof issue)[] = []) {
  const relay = new RemoteRelay(relayPlan.url, [], silent, () => {});
  for (const event of [announced, issue, comment, spam, ...others]) relay.events.add(event);
  const holdings = {
    stored,
    everStored,
    relays: [relay],
    bootstrap: new Set([relay.url]),
    nowSeconds: 1000,
    earliestSeconds: 1000,
    trips: () => false,
  };
  return findMissing(holdings, names(cast)).map(({ event }) => event.id);
}

describe('the model of what must be stored', () => {
  it('asks layer after layer', () => {
    expect(missing([])).toEqual([announced.id]);
    expect(missing([announced])).toEqual([issue.id]);
    expect(missing([announced, issue])).toEqual([comment.id]);
    expect(missing([announced, issue, comment])).toEqual([]);
  });

  it('asks for the deletions of those whose events are stored, and of nobody else', () => {
    const deletion = (pubkey: string) =>
      signed({ pubkey, created_at: 400, kind: 5, tags: [['e', 'c'.repeat(64)]], content: '' });
    const commenter = 'b'.repeat(64);
    const said = signed({ ...comment, pubkey: commenter });
    const others = [said, deletion(commenter), deletion('d'.repeat(64))];
    expect(missing([announced, issue, comment], undefined, others)).toEqual([said.id]);
    expect(missing([announced, issue, comment, said], undefined, others)).toEqual([others[1]?.id]);
  });

  it('excuses what was deleted', () => {
    const deletion = signed({
      pubkey: owner,
      created_at: 400,
      kind: 5,
      tags: [['e', comment.id]],
      content: '',
    });
    expect(missing([announced, issue, deletion])).toEqual([]);
  });

  it('knows what could be accepted in some order', () => {
    const kept = acceptableInSomeOrder([comment, spam, issue, announced], names(cast));
    expect([...kept.byId.keys()].sort()).toEqual([announced.id, issue.id, comment.id].sort());
  });
});

describe('drawUniverse', () => {
  it('draws a world with something to accept and something to refuse, the same for the same seed', () => {
    const size = {
      authors: 8,
      relays: 5,
      repositories: 6,
      events: 300,
      historySeconds: 2_000_000,
      liveSeconds: 40_000,
      liveShare: 0.3,
      rootShare: 0.25,
      directAnnouncementShare: 0.1,
    };
    const draw = () => drawUniverse(seededRandom(3), size, 1_767_225_600);
    const { cast: drawn, publications } = draw();
    const events = publications.map(({ event }) => event);
    const acceptable = acceptableInSomeOrder(events, names(drawn)).byId.size;
    expect(events.length).toBeGreaterThanOrEqual(300);
    expect(acceptable).toBeGreaterThan(100);
    expect(acceptable).toBeLessThan(280);
    expect(draw().publications).toEqual(publications);
  });
});
