import fs from 'node:fs';
import * as isomorphic from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identity } from '../../src/nostr/keys.js';
import { testIdentity } from '../support/events.js';
import { GitClient, type GitResult } from '../support/git-client.js';
import { Hosting } from '../support/hosting.js';
import { expectServed } from '../support/service/expect-served.js';

let host: Hosting;
let number = 0;

beforeAll(async () => {
  host = await Hosting.start();
}, 60_000);
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

/** A repository that is announced and waits for its first push, with a working copy whose remote it is. */
class Repository implements AsyncDisposable {
  readonly owner: Identity;
  readonly name: string;
  readonly git: GitClient;

  private constructor(owner: Identity, name: string, git: GitClient) {
    this.owner = owner;
    this.name = name;
    this.git = git;
  }

  static async announced(...maintainers: Identity[]): Promise<Repository> {
    number += 1;
    const owner = testIdentity(number);
    const name = `repo-${number}`;
    const git = await GitClient.init();
    await git.ok('remote', 'add', 'origin', host.urlOf(owner, name));
    await host.publish(
      host.announcement(
        owner,
        name,
        maintainers.map(({ pubkey }) => pubkey),
      ),
    );
    return new Repository(owner, name, git);
  }

  /** With a first commit on main, pushed. */
  static async pushed(...maintainers: Identity[]): Promise<Repository & { readonly first: string }> {
    const repository = await Repository.announced(...maintainers);
    const first = await repository.git.commit('README.md', 'hello');
    await repository.publishState({ 'refs/heads/main': first });
    await repository.git.ok('push', 'origin', 'main');
    return Object.assign(repository, { first });
  }

  async publishState(
    refs: Readonly<Record<string, string>>,
    by = this.owner,
    head?: string,
  ): Promise<string> {
    return await host.publish(host.state(by, this.name, refs, head));
  }

  /** The refs as a reader sees them. */
  async refs(): Promise<Record<string, string>> {
    const lines = (await this.git.ok('ls-remote', 'origin')).split('\n').filter((line) => line !== '');
    return Object.fromEntries(lines.map((line) => line.split('\t').reverse() as [string, string]));
  }

  async push(...args: string[]): Promise<GitResult> {
    return await this.git.run('push', ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.git[Symbol.asyncDispose]();
  }
}

describe('pushing with git', () => {
  it('holds announcement and state until the first push, then serves both', async () => {
    await using repository = await Repository.announced();
    const { owner, name, git } = repository;
    const filter = { authors: [owner.pubkey] };
    expect(await host.served(filter)).toEqual([]);
    expect((await git.run('ls-remote', 'origin')).code).toBe(0);
    const first = await git.commit('README.md', 'hello');
    expect(await repository.publishState({ 'refs/heads/main': first })).toMatch(/^purgatory: /);
    expect(await host.served(filter)).toEqual([]);
    await git.ok('push', 'origin', 'main');
    await expectServed(() => host.served(filter)).toHaveLength(2);
    expect(await repository.refs()).toEqual({ HEAD: first, 'refs/heads/main': first });
    await using reader = await GitClient.init();
    await reader.ok('clone', '--quiet', host.urlOf(owner, name), 'copy');
    expect(await reader.ok('-C', 'copy', 'rev-parse', 'HEAD')).toBe(first);
  });

  it('refuses what no state lists, and says what to do', async () => {
    await using repository = await Repository.pushed();
    const second = await repository.git.commit('b.txt', 'two');
    const { code, stderr } = await repository.push('origin', 'main', 'main:other');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `main -> main (the newest state says ${repository.first.slice(0, 8)}, you pushed ${second.slice(0, 8)}`,
    );
    expect(stderr).toContain('main -> other (the newest state does not list it');
    expect(await repository.refs()).toEqual({ HEAD: repository.first, 'refs/heads/main': repository.first });
  });

  it('takes a second branch, an annotated tag, a force push and a deletion', async () => {
    await using repository = await Repository.pushed();
    const { git, first } = repository;
    await git.ok('checkout', '--quiet', '-b', 'next');
    const next = await git.commit('b.txt', 'two');
    await git.ok('tag', '--annotate', '--message', 'one', 'v1');
    const tag = await git.ok('rev-parse', 'v1');
    const both = { 'refs/heads/main': first, 'refs/heads/next': next, 'refs/tags/v1': tag };
    await repository.publishState(both);
    await git.ok('push', 'origin', 'next', 'v1');
    expect(await repository.refs()).toEqual({ HEAD: first, ...both, 'refs/tags/v1^{}': next });
    await git.ok('checkout', '--quiet', '--orphan', 'new');
    const other = await git.commit('c.txt', 'three');
    await repository.publishState({ 'refs/heads/main': other, 'refs/tags/v1': tag });
    await git.ok('push', '--force', 'origin', 'new:main', ':next');
    expect(await repository.refs()).toEqual({
      HEAD: other,
      'refs/heads/main': other,
      'refs/tags/v1': tag,
      'refs/tags/v1^{}': next,
    });
  });

  it('judges each ref for itself, and all together with --atomic', async () => {
    await using repository = await Repository.pushed();
    const { git, first } = repository;
    await git.ok('checkout', '--quiet', '-b', 'good');
    const good = await git.commit('good.txt', 'good');
    await git.ok('checkout', '--quiet', '-b', 'bad', 'main');
    const bad = await git.commit('bad.txt', 'secret');
    await repository.publishState({ 'refs/heads/main': first, 'refs/heads/good': good });
    const atomic = await repository.push('--atomic', 'origin', 'good', 'bad');
    expect(atomic.code).toBe(1);
    expect(Object.keys(await repository.refs())).not.toContain('refs/heads/good');
    const mixed = await repository.push('origin', 'good', 'bad');
    expect(mixed.code).toBe(1);
    expect(await repository.refs()).toMatchObject({ 'refs/heads/good': good });
    // What was refused left nothing behind.
    const fetched = await git.run('fetch', 'origin', bad);
    await using reader = await GitClient.init();
    const elsewhere = await reader.run('fetch', host.urlOf(repository.owner, repository.name), bad);
    expect([fetched.code === 0, elsewhere.code]).toEqual([true, 128]);
  });

  it('takes push options, and a push of what is so already from a stale look', async () => {
    await using repository = await Repository.pushed();
    const { git, first } = repository;
    const second = await git.commit('b.txt', 'two');
    await repository.publishState({ 'refs/heads/main': second });
    await git.ok('push', '-o', 'ci.skip', 'origin', 'main');
    expect(await repository.refs()).toMatchObject({ 'refs/heads/main': second });
    // All objects are here: the state is applied before any push, and the push finds it so.
    expect(await repository.publishState({ 'refs/heads/main': second, 'refs/heads/old': first })).toBe('');
    expect(await repository.refs()).toMatchObject({ 'refs/heads/old': first });
    const stale = await repository.push('--force-with-lease=old:', 'origin', `${first}:refs/heads/old`);
    expect(stale.code, stale.stderr).toBe(0);
  });

  it('follows several maintainers, and their maintainers', async () => {
    const second = testIdentity(900);
    const third = testIdentity(901);
    await using repository = await Repository.pushed(second);
    const { git, name } = repository;
    await host.publish(host.announcement(second, name, [third.pubkey]));
    const commit = await git.commit('b.txt', 'two');
    await expect(repository.publishState({ 'refs/heads/main': commit }, testIdentity(902))).rejects.toThrow(
      /not authorized/,
    );
    await repository.publishState({ 'refs/heads/main': commit }, third);
    await git.ok('push', 'origin', 'main');
    expect(await repository.refs()).toMatchObject({ 'refs/heads/main': commit });
    // The repository of the second maintainer, of the same identifier, follows as well.
    await using reader = await GitClient.init();
    expect(await reader.ok('ls-remote', host.urlOf(second, name), 'refs/heads/main')).toContain(commit);
  });

  it('takes the commit of a pull request before and after its event', async () => {
    await using repository = await Repository.pushed();
    const { git, owner, name } = repository;
    const author = testIdentity(910);
    const commit = await git.commit('fix.txt', 'fix');
    const before = host.pullRequest(author, owner, name, commit);
    await git.ok('push', 'origin', `HEAD:refs/nostr/${before.id}`);
    expect(await repository.refs()).toMatchObject({ [`refs/nostr/${before.id}`]: commit });
    expect(await host.publish(before)).toBe('');
    expect(await host.served({ ids: [before.id] })).toEqual([before.id]);
    const later = await git.commit('fix.txt', 'better');
    const after = host.pullRequest(author, owner, name, later);
    expect(await host.publish(after)).toMatch(/^purgatory: /);
    expect(await host.served({ ids: [after.id] })).toEqual([]);
    const wrong = await repository.push('origin', `HEAD~1:refs/nostr/${after.id}`);
    expect(wrong.stderr).toContain(`the pull request names commit ${later.slice(0, 8)}`);
    await git.ok('push', 'origin', `HEAD:refs/nostr/${after.id}`);
    await expectServed(() => host.served({ ids: [after.id] })).toEqual([after.id]);
  });

  it('removes what was pushed for a pull request that names another commit', async () => {
    await using repository = await Repository.pushed();
    const { git, owner, name } = repository;
    const pushed = await git.commit('fix.txt', 'fix');
    const event = host.pullRequest(testIdentity(911), owner, name, 'a'.repeat(40));
    await git.ok('push', 'origin', `HEAD:refs/nostr/${event.id}`);
    await host.publish(event);
    await expect
      .poll(async () => Object.values(await repository.refs()), { timeout: 5_000 })
      .not.toContain(pushed);
  });

  it('refuses everything else', async () => {
    await using repository = await Repository.pushed();
    const names = ['refs/notes/commits', 'refs/pull/1/head', 'refs/nostr/abc', 'refs/x/y'];
    const { code, stderr } = await repository.push('origin', ...names.map((name) => `HEAD:${name}`));
    expect(code).toBe(1);
    expect(stderr.match(/only refs\/heads/g)).toHaveLength(names.length);
    expect(Object.keys(await repository.refs())).toEqual(['HEAD', 'refs/heads/main']);
  });

  it('survives kill -9 between a push and everything else', async () => {
    await using own = await Hosting.start();
    const owner = testIdentity(920);
    await using git = await GitClient.init();
    await own.publish(own.announcement(owner, 'r'));
    const first = await git.commit('a', 'a');
    const state = own.state(owner, 'r', { 'refs/heads/main': first });
    await own.publish(state);
    const { port, directory } = own.service;
    own.service.kill('SIGKILL');
    await own.service.exited;
    await using again = await Hosting.start({ port, directory });
    expect(await again.served({ ids: [state.id] })).toEqual([]);
    await git.ok('push', again.urlOf(owner, 'r'), 'main');
    await expectServed(() => again.served({ ids: [state.id] })).toEqual([state.id]);
  }, 60_000);
});

describe('pushing with isomorphic-git, as browsers do', () => {
  it('is judged and followed as a push of git is', async () => {
    await using repository = await Repository.announced();
    const { owner, name, git } = repository;
    const main = await git.commit('README.md', 'from a browser');
    await repository.publishState({ 'refs/heads/main': main });
    const push = { fs, http, dir: git.directory, url: host.urlOf(owner, name), ref: 'main' };
    await expect(isomorphic.push({ ...push, remoteRef: 'refs/heads/other' })).rejects.toThrow(
      /the newest state does not list it/,
    );
    expect(await isomorphic.push(push)).toMatchObject({
      ok: true,
      refs: { 'refs/heads/main': { ok: true } },
    });
    await expectServed(() => host.served({ authors: [owner.pubkey] })).toHaveLength(2);
    await using reader = await GitClient.init();
    await isomorphic.clone({ fs, http, dir: reader.directory, url: push.url });
    expect(await isomorphic.resolveRef({ fs, dir: reader.directory, ref: 'HEAD' })).toBe(main);
  });
});
