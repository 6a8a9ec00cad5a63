import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { gitUrl, serversFor } from '../../src/git-sync/servers.js';
import { seededRandom } from '../../src/lib/random.js';

const choice = {
  isOwn: () => false,
  random: seededRandom(1),
  turns: { isOver: false, next: async () => {} },
};
const ofState = { objectId: 'a'.repeat(40), pullRequestIds: [], clones: [] };
const proposed = (...clones: string[][]) => ({ objectId: 'b'.repeat(40), pullRequestIds: ['1'], clones });

describe('the servers of a repository', () => {
  it('are those of the announcements, GRASP servers first, each once', async () => {
    const announcements = [
      { clone: ['https://plain/r.git', 'https://grasp/npub/r.git'], relays: ['wss://grasp'] },
      { clone: ['https://plain/r.git/', 'https://other/r'], relays: [] },
    ];
    const { ofStates } = await serversFor(announcements, [ofState], choice);
    const urls = ofStates.map(({ url }) => url);
    expect(urls).toEqual(['https://grasp/npub/r.git', 'https://plain/r.git', 'https://other/r']);
  });

  it('are never ourselves', async () => {
    const announcements = [{ clone: ['https://us/r.git', 'https://them/r.git'], relays: [] }];
    const isOwn = (url: string) => url.startsWith('https://us/');
    const servers = await serversFor(announcements, [ofState], { ...choice, isOwn });
    expect(servers.ofStates.map(({ url }) => url)).toEqual(['https://them/r.git']);
  });

  it('begin with those of a pull request, for its commit alone, and in turns with others', async () => {
    const announcements = [{ clone: ['https://main/r.git', 'https://other/r.git'], relays: [] }];
    const missing = proposed(['https://fork/r.git', 'https://main/r.git', 'https://fork2/r.git']);
    const { ofStates, ofProposals } = await serversFor(announcements, [missing, ofState], choice);
    expect(ofProposals.map(({ host }) => host)).toEqual(['fork', 'main', 'fork2', 'other']);
    expect(ofProposals[0]?.objectIds).toEqual(new Set([missing.objectId]));
    expect(ofProposals[1]?.objectIds).toBeUndefined();
    expect(ofStates.map(({ host }) => host)).toEqual(['main', 'other']);
  });

  it('are a bounded number, of which pull requests take none from the announcements', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `https://h${index}/r.git`);
    const { ofStates, ofProposals } = await serversFor(
      [{ clone: ['https://main/r.git'], relays: [] }],
      [proposed(many)],
      choice,
    );
    expect(ofProposals).toHaveLength(limits.gitServersMax + 1);
    expect(ofStates).toHaveLength(1);
  });

  it('of one pull request are not hidden by the many that others name', async () => {
    const junk = Array.from({ length: 30 }, (_, index) => `https://junk${index}/r.git`);
    const honest = 'https://honest/r.git';
    const sameCommit = await serversFor([], [proposed(junk, junk, [honest])], choice);
    expect(sameCommit.ofProposals.map(({ url }) => url)).toContain(honest);
    // Of more pull requests than there are places, each comes to its turn.
    const many = Array.from({ length: 60 }, (_, index) => [`https://many${index}/r.git`]);
    const isThere = async () => {
      const servers = await serversFor([], [proposed(...many, [honest])], choice);
      return servers.ofProposals.some(({ url }) => url === honest);
    };
    expect(await Promise.all(Array.from({ length: 50 }, isThere))).toContain(true);
  });

  it('are found in time that grows as what is named does: each URL is read once, each commit noted once', async () => {
    const clones = [Array.from({ length: 30 }, (_, index) => `https://h${index}/r.git`)];
    const missing = Array.from({ length: 500 }, (_, index) => ({
      ...proposed(),
      objectId: `${index}`,
      clones,
    }));
    const isOwn = vi.fn(() => false);
    const noted = vi.spyOn(Set.prototype, 'add');
    const { ofProposals } = await serversFor([], missing, { ...choice, isOwn });
    const notes = noted.mock.calls.length;
    noted.mockRestore();
    expect(ofProposals.map(({ objectIds }) => objectIds?.size)).toEqual(clones[0]?.map(() => 500));
    expect(isOwn).toHaveBeenCalledTimes(30);
    expect(notes).toBeLessThan(2 * 30 * 500);
  });

  it('of an announcement are compared with all of its relays at once', async () => {
    const of = (scheme: string) => Array.from({ length: 200 }, (_, index) => `${scheme}://h${index}`);
    const announcement = { clone: of('https').map((url) => `${url}/r`), relays: of('ws').reverse() };
    const read = vi.spyOn(globalThis, 'URL');
    await serversFor([announcement], [ofState], choice);
    const reads = read.mock.calls.length;
    read.mockRestore();
    expect(reads).toBeLessThan(5 * 200);
  });

  it('are found in turns where very many are named', async () => {
    const size = 1_000;
    const clones = Array.from({ length: size }, (_, index) => [`https://h${index}/r.git`]);
    const next = vi.fn(async () => {});
    const turns = { isOver: true, next };
    await serversFor([{ clone: clones.flat(), relays: [] }], [proposed(...clones)], { ...choice, turns });
    expect(next.mock.calls.length).toBeGreaterThan(3 * size);
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
