import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { gitUrl, serversFor } from '../../src/git-sync/servers.js';

const nobody = () => false;
const ofState = { objectId: 'a'.repeat(40), pullRequestIds: [], clone: [] };
const proposed = (clone: string[]) => ({ objectId: 'b'.repeat(40), pullRequestIds: ['1'], clone });

describe('the servers of a repository', () => {
  it('are those of the announcements, GRASP servers first, each once', () => {
    const announcements = [
      { clone: ['https://plain/r.git', 'https://grasp/npub/r.git'], relays: ['wss://grasp'] },
      { clone: ['https://plain/r.git/', 'https://other/r'], relays: [] },
    ];
    const urls = serversFor(announcements, [ofState], nobody).map(({ url }) => url);
    expect(urls).toEqual(['https://grasp/npub/r.git', 'https://plain/r.git', 'https://other/r']);
  });

  it('are never ourselves', () => {
    const announcements = [{ clone: ['https://us/r.git', 'https://them/r.git'], relays: [] }];
    const servers = serversFor(announcements, [ofState], (url) => url.startsWith('https://us/'));
    expect(servers.map(({ url }) => url)).toEqual(['https://them/r.git']);
  });

  it('begin with those of a pull request, for its commit alone, unless objects of a state lack', () => {
    const announcements = [{ clone: ['https://main/r.git'], relays: [] }];
    const missing = proposed(['https://fork/r.git', 'https://main/r.git']);
    const servers = serversFor(announcements, [missing], nobody);
    expect(servers.map(({ host }) => host)).toEqual(['fork', 'main']);
    expect(servers[0]?.objectIds).toEqual(new Set([missing.objectId]));
    expect(servers[1]?.objectIds).toBeUndefined();
    const both = serversFor(announcements, [missing, ofState], nobody);
    expect(both.map(({ host }) => host)).toEqual(['main', 'fork']);
  });

  it('are a bounded number, of which pull requests take none from the announcements', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `https://h${index}/r.git`);
    const servers = serversFor([{ clone: ['https://main/r.git'], relays: [] }], [proposed(many)], nobody);
    expect(servers).toHaveLength(limits.gitServersMax + 1);
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
