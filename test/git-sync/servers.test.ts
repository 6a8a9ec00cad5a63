import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { gitUrl, serversFor } from '../../src/git-sync/servers.js';
import { seededRandom } from '../../src/lib/random.js';

const nobody = () => false;
const random = seededRandom(1);
const ofState = { objectId: 'a'.repeat(40), pullRequestIds: [], clones: [] };
const proposed = (...clones: string[][]) => ({ objectId: 'b'.repeat(40), pullRequestIds: ['1'], clones });

describe('the servers of a repository', () => {
  it('are those of the announcements, GRASP servers first, each once', () => {
    const announcements = [
      { clone: ['https://plain/r.git', 'https://grasp/npub/r.git'], relays: ['wss://grasp'] },
      { clone: ['https://plain/r.git/', 'https://other/r'], relays: [] },
    ];
    const urls = serversFor(announcements, [ofState], nobody, random).ofStates.map(({ url }) => url);
    expect(urls).toEqual(['https://grasp/npub/r.git', 'https://plain/r.git', 'https://other/r']);
  });

  it('are never ourselves', () => {
    const announcements = [{ clone: ['https://us/r.git', 'https://them/r.git'], relays: [] }];
    const servers = serversFor(announcements, [ofState], (url) => url.startsWith('https://us/'), random);
    expect(servers.ofStates.map(({ url }) => url)).toEqual(['https://them/r.git']);
  });

  it('begin with those of a pull request, for its commit alone, and in turns with others', () => {
    const announcements = [{ clone: ['https://main/r.git', 'https://other/r.git'], relays: [] }];
    const missing = proposed(['https://fork/r.git', 'https://main/r.git', 'https://fork2/r.git']);
    const { ofStates, ofProposals } = serversFor(announcements, [missing, ofState], nobody, random);
    expect(ofProposals.map(({ host }) => host)).toEqual(['fork', 'main', 'fork2', 'other']);
    expect(ofProposals[0]?.objectIds).toEqual(new Set([missing.objectId]));
    expect(ofProposals[1]?.objectIds).toBeUndefined();
    expect(ofStates.map(({ host }) => host)).toEqual(['main', 'other']);
  });

  it('are a bounded number, of which pull requests take none from the announcements', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `https://h${index}/r.git`);
    const { ofStates, ofProposals } = serversFor(
      [{ clone: ['https://main/r.git'], relays: [] }],
      [proposed(many)],
      nobody,
      random,
    );
    expect(ofProposals).toHaveLength(limits.gitServersMax + 1);
    expect(ofStates).toHaveLength(1);
  });

  it('of one pull request are not hidden by the many that others name', () => {
    const junk = Array.from({ length: 30 }, (_, index) => `https://junk${index}/r.git`);
    const honest = 'https://honest/r.git';
    const sameCommit = serversFor([], [proposed(junk, junk, [honest])], nobody, random);
    expect(sameCommit.ofProposals.map(({ url }) => url)).toContain(honest);
    // Of more pull requests than there are places, each comes to its turn.
    const many = Array.from({ length: 60 }, (_, index) => [`https://many${index}/r.git`]);
    const isThere = () => {
      const servers = serversFor([], [proposed(...many, [honest])], nobody, random);
      return servers.ofProposals.some(({ url }) => url === honest);
    };
    expect(Array.from({ length: 50 }, isThere)).toContain(true);
  });
});

describe('the URL of a git server', () => {
  it.each(['ssh://host/r', 'git://host/r', 'file:///r', 'https://user:pw@host/r', 'no url', 'https://'])(
    'is not %j',
    (text) => expect(gitUrl(text)).toBeUndefined(),
  );
  it('has no slash at its end, no query and no fragment', () => {
    expect(gitUrl('https://Host:443/r.git//?a=b#c')).toBe('https://host/r.git');
  });
});
