import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { type Identity, npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { Hosting } from '../support/hosting.js';
import { expectServed } from '../support/service/expect-served.js';

const environment = { NGIT_GRASP06_ENABLE: 'true' };
const [owner, contributor, other] = [testIdentity(61), testIdentity(62), testIdentity(63)];
let directory: string;
let port: number;
let host: Hosting;
let seconds = Math.floor(Date.now() / 1_000) - 5_000;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graspd-prs-'));
  port = await freePort();
  host = await Hosting.start({ environment, directory, port });
}, 60_000);
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

function urlOf(signer: Identity, name: string): string {
  return `http://127.0.0.1:${port}/prs/${npubOf(signer.pubkey)}/${name}.git`;
}

function folderOf(signer: Identity, name: string): string {
  return join(directory, 'data/git/prs', signer.pubkey, `${name}.git`);
}

/** A pull request that is to be had from the repository of its signer here. */
function proposal(signer: Identity, name: string, commit: string, more: string[][] = []): NostrEvent {
  seconds += 1;
  const tags = [
    ['a', `30617:${owner.pubkey}:${name}`],
    ['c', commit],
    ['clone', urlOf(signer, name)],
    ...more,
  ];
  return signedEvent(signer, { kind: 1618, created_at: seconds, tags });
}

function deletion(signer: Identity, id: string): NostrEvent {
  seconds += 1;
  return signedEvent(signer, { kind: 5, created_at: seconds, tags: [['e', id]] });
}

async function refsAt(git: GitClient, url: string): Promise<Record<string, string>> {
  const lines = (await git.ok('ls-remote', url)).split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => line.split('\t').reverse() as [string, string]));
}

/** An announced repository with a first commit, and a working copy of it. */
async function announced(name: string): Promise<GitClient> {
  const git = await GitClient.init();
  await host.publish(host.announcement(owner, name));
  const first = await git.commit('README.md', name);
  await host.publish(host.state(owner, name, { 'refs/heads/main': first }));
  await git.ok('push', host.urlOf(owner, name), 'main');
  return git;
}

describe('a pull request of somebody without a repository', () => {
  it('is pushed before its event, fetched from /prs, and is in the announced repository', async () => {
    await using git = await announced('before');
    const commit = await git.commit('change', 'one');
    const event = proposal(contributor, 'before', commit);
    const url = urlOf(contributor, 'before');
    expect(await refsAt(git, url)).toEqual({});
    expect(existsSync(folderOf(contributor, 'before'))).toBe(false);
    await git.ok('push', url, `HEAD:refs/nostr/${event.id}`);
    expect(await refsAt(git, url)).toEqual({ [`refs/nostr/${event.id}`]: commit });
    expect(await host.publish(event)).toBe('');
    expect(await host.served({ ids: [event.id] })).toEqual([event.id]);
    expect(await refsAt(git, host.urlOf(owner, 'before'))).toMatchObject({
      [`refs/nostr/${event.id}`]: commit,
    });
    await using reader = await GitClient.init();
    await reader.ok('fetch', '--quiet', url, `refs/nostr/${event.id}`);
    expect(await reader.ok('rev-parse', 'FETCH_HEAD')).toBe(commit);
  });

  it('is held when its event comes first, and served with the push; it goes by its deletion', async () => {
    await using git = await announced('after');
    const commit = await git.commit('change', 'one');
    const event = proposal(contributor, 'after', commit);
    const [url, ref] = [urlOf(contributor, 'after'), `refs/nostr/${event.id}`];
    expect(await host.publish(event)).toContain('purgatory');
    expect(await host.served({ ids: [event.id] })).toEqual([]);
    await git.ok('push', url, `HEAD:${ref}`);
    await expectServed(() => host.served({ ids: [event.id] })).toEqual([event.id]);
    expect(await refsAt(git, host.urlOf(owner, 'after'))).toMatchObject({ [ref]: commit });
    await host.publish(deletion(contributor, event.id));
    await eventually(() => !existsSync(folderOf(contributor, 'after')));
    await eventually(async () => !(ref in (await refsAt(git, host.urlOf(owner, 'after')))));
    expect(await refsAt(git, url)).toEqual({});
  });

  it('for a repository that is not announced here is taken too, and comments on it are', async () => {
    await using git = await GitClient.init();
    const base = await git.commit('README.md', 'unknown');
    const commit = await git.commit('change', 'one');
    const event = proposal(contributor, 'unknown', commit);
    await git.ok('push', urlOf(contributor, 'unknown'), `HEAD:refs/nostr/${event.id}`);
    await host.publish(event);
    const comment = signedEvent(other, { kind: 1111, created_at: seconds, tags: [['E', event.id]] });
    expect(await host.publish(comment)).toBe('');
    await git.ok('clone', '--quiet', urlOf(contributor, 'unknown'), 'copy');
    // It is announced later: the commit follows by itself, without being pushed.
    await host.publish(host.announcement(owner, 'unknown'));
    await host.publish(host.state(owner, 'unknown', { 'refs/heads/main': base }));
    const url = host.urlOf(owner, 'unknown');
    await git.ok('push', url, `${base}:refs/heads/main`);
    const ref = `refs/nostr/${event.id}`;
    await eventually(async () => (await refsAt(git, url))[ref] === commit);
  });

  it('is refused where it is not what its address says', async () => {
    await using git = await GitClient.init();
    const commit = await git.commit('change', 'one');
    const url = urlOf(contributor, 'refused');
    const branch = await git.run('push', url, 'main');
    expect(branch.stderr).toContain('GRASP-06: only pushes to refs/nostr/<event-id> are accepted');
    const event = proposal(other, 'refused', commit);
    await host.publish(event);
    const foreign = await git.run('push', url, `HEAD:refs/nostr/${event.id}`);
    expect(foreign.stderr).toContain('signed by another key');
    expect(existsSync(folderOf(contributor, 'refused'))).toBe(false);
    const unrelated = proposal(other, 'refused', commit, [['x', '']]);
    const elsewhere = { ...unrelated, tags: unrelated.tags.filter(([name]) => name !== 'clone') };
    const signed = signedEvent(other, { kind: 1618, created_at: seconds, tags: elsewhere.tags });
    await expect(host.publish(signed)).rejects.toThrow('refused: blocked');
  });

  it('outlives a restart, also one whose event comes only then; what does not fit goes', async () => {
    await using git = await GitClient.init();
    const commit = await git.commit('change', 'one');
    const url = urlOf(contributor, 'kept');
    const [early, late] = [proposal(contributor, 'kept', commit), proposal(contributor, 'kept', commit)];
    const wrong = proposal(contributor, 'kept', 'd'.repeat(40));
    await host.publish(early);
    const refs = [early, late, wrong].map(({ id }) => `HEAD:refs/nostr/${id}`);
    const lines = await git.ok('push', url, ...refs).then(() => refsAt(git, url));
    expect(Object.keys(lines)).toHaveLength(3);
    await host[Symbol.asyncDispose]();
    host = await Hosting.start({ environment, directory, port });
    expect(await host.served({ ids: [early.id] })).toEqual([early.id]);
    expect(await host.publish(late)).toBe('');
    await host.publish(wrong);
    await eventually(async () => !(`refs/nostr/${wrong.id}` in (await refsAt(git, url))));
    expect(Object.values(await refsAt(git, url))).toEqual([commit, commit]);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^ngit_grasp06_refs_removed_total 1$/m);
    const information = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { Accept: 'application/nostr+json' },
    });
    expect(await information.json()).toMatchObject({
      supported_grasps: ['GRASP-01', 'GRASP-02', 'GRASP-06'],
    });
  });
});
