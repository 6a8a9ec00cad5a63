import { execFile } from 'node:child_process';
import fs, { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as isomorphic from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npubOf } from '../../src/nostr/keys.js';
import { kinds } from '../../src/nostr/kinds.js';
import { git as gitIn, headOf, scratchFolder } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

const owner = testIdentity(1);
const npub = npubOf(owner.pubkey);
const folder = scratchFolder();
let service: Service;
let commits: string[];

/** The real git, as a user has it who never set it up. */
async function git(...args: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder.path,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  const { stdout } = await promisify(execFile)('git', args, { env });
  return stdout.trim();
}

const urlOf = (identifier: string) =>
  `http://127.0.0.1:${service.port}/${npub}/${encodeURIComponent(identifier)}.git`;
const pathOf = (identifier: string) => join(service.directory, 'data/git', npub, `${identifier}.git`);
const into = (name: string) => join(folder.path, name);

/** Announces a repository, and waits until it can be read. */
async function announce(identifier: string): Promise<void> {
  await using client = await TestClient.connect(service.url);
  const tags = [
    ['d', identifier],
    ['clone', urlOf(identifier)],
    ['relays', service.url],
  ];
  const { accepted } = await client.publish(signedEvent(owner, { kind: kinds.repositoryAnnouncement, tags }));
  expect(accepted).toBe(true);
  await eventually(() => existsSync(join(pathOf(identifier), 'HEAD')));
}

/** Commits on `main`, each with one file more; the ids, oldest first. */
function writeHistory(gitDir: string, count: number): string[] {
  const ids: string[] = [];
  let entries = '';
  for (let number = 0; number < count; number += 1) {
    const blob = gitIn(gitDir, ['hash-object', '-w', '--stdin'], `file ${number}\n`);
    entries += `100644 blob ${blob}\tfile-${number}\n`;
    const tree = gitIn(gitDir, ['mktree'], entries);
    const parents = ids.slice(-1).flatMap((id) => ['-p', id]);
    ids.push(gitIn(gitDir, ['commit-tree', tree, ...parents, '-m', `commit ${number}`]));
  }
  gitIn(gitDir, ['update-ref', 'refs/heads/main', ids.at(-1) ?? '']);
  gitIn(gitDir, ['tag', 'v1', ids[0] ?? '']);
  return ids;
}

beforeAll(async () => {
  service = await startService();
  await announce('project');
  await announce('empty');
  await announce('ein Projekt 🦀');
  commits = writeHistory(pathOf('project'), 10);
  writeHistory(pathOf('ein Projekt 🦀'), 1);
}, 60_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('the real git', () => {
  it.each(['0', '1', '2'])('clones and lists refs in protocol v%s', async (version) => {
    const protocol = ['-c', `protocol.version=${version}`];
    const refs = await git(...protocol, 'ls-remote', '--symref', urlOf('project'));
    expect(refs).toContain('ref: refs/heads/main\tHEAD');
    expect(refs).toContain(`${commits.at(-1)}\trefs/heads/main`);
    expect(refs).toContain(`${commits[0]}\trefs/tags/v1`);
    const target = into(`clone-${version}`);
    await git(...protocol, 'clone', '-q', urlOf('project'), target);
    expect(await git('-C', target, 'rev-parse', 'HEAD')).toBe(commits.at(-1));
    await git('-C', target, 'fsck', '--strict');
    expect(existsSync(join(target, 'file-9'))).toBe(true);
  });

  it('clones a part: shallow, without blobs, and deepens later', async () => {
    const shallow = into('shallow');
    await git('clone', '-q', '--depth', '2', urlOf('project'), shallow);
    expect(await git('-C', shallow, 'rev-list', '--count', 'HEAD')).toBe('2');
    await git('-C', shallow, 'fetch', '-q', '--unshallow');
    expect(await git('-C', shallow, 'rev-list', '--count', 'HEAD')).toBe('10');
    const partial = into('partial');
    await git('clone', '-q', '--no-checkout', '--filter=blob:none', urlOf('project'), partial);
    const missing = await git('-C', partial, 'rev-list', '--objects', '--missing=print', 'HEAD');
    expect(missing.split('\n').filter((line) => line.startsWith('?'))).toHaveLength(10);
    await git('-C', partial, 'checkout', '-q', 'main');
    expect(existsSync(join(partial, 'file-9'))).toBe(true);
  });

  it.each(['0', '2'])('fetches by object id what a ref leads to, in protocol v%s', async (version) => {
    const target = into(`by-id-${version}`);
    await git('init', '-q', target);
    const protocol = ['-c', `protocol.version=${version}`];
    await git('-C', target, ...protocol, 'fetch', '-q', urlOf('project'), commits[4] ?? '');
    expect(await git('-C', target, 'rev-parse', 'FETCH_HEAD')).toBe(commits[4]);
    const unknown = git('-C', target, ...protocol, 'fetch', '-q', urlOf('project'), '7'.repeat(40));
    await expect(unknown).rejects.toThrow(/not our ref 7777/);
  });

  it('clones an empty repository, and sees which branch is to be its first', async () => {
    const target = into('empty');
    await git('clone', '-q', urlOf('empty'), target);
    expect(headOf(join(target, '.git'))).toBe('refs/heads/main');
    for (const version of ['0', '1', '2']) {
      expect(await git('-c', `protocol.version=${version}`, 'ls-remote', urlOf('empty'))).toBe('');
    }
  });

  it('clones one whose name has to be encoded', async () => {
    await git('clone', '-q', urlOf('ein Projekt 🦀'), into('encoded'));
    expect(existsSync(join(into('encoded'), 'file-0'))).toBe(true);
  });

  it('is told that there is no such repository', async () => {
    await expect(git('ls-remote', urlOf('unknown'))).rejects.toThrow(/not found/);
  });
});

describe('isomorphic-git', () => {
  it('clones, whole and shallow', async () => {
    for (const depth of [undefined, 1]) {
      const dir = into(`isomorphic-${depth ?? 'whole'}`);
      await isomorphic.clone({
        fs,
        http,
        dir,
        url: urlOf('project'),
        ...(depth === undefined ? {} : { depth }),
      });
      const log = await isomorphic.log({ fs, dir });
      expect(log).toHaveLength(depth ?? 10);
      expect(log[0]?.oid).toBe(commits.at(-1));
    }
  });

  it('sees the capabilities of an empty repository', async () => {
    const info = await isomorphic.getRemoteInfo2({ http, url: urlOf('empty'), protocolVersion: 1 });
    expect(info.capabilities).toHaveProperty('allow-reachable-sha1-in-want');
  });
});

it('50 clones at once end, none of them refused, and no more processes run than may', async () => {
  let [most, isDone] = [0, false];
  const watch = async () => {
    while (!isDone) most = Math.max(most, await service.metric('ngit_git_uploads_running'));
  };
  const watching = watch();
  const names = Array.from({ length: 50 }, (_, number) => into(`at-once-${number}`));
  await Promise.all(names.map((name) => git('clone', '-q', '--bare', urlOf('project'), name)));
  isDone = true;
  await watching;
  expect(most).toBeLessThanOrEqual(16);
  for (const name of names) expect(await git('-C', name, 'rev-parse', 'main')).toBe(commits.at(-1));
}, 60_000);

it('the daemon counts what it served', async () => {
  const series = 'ngit_git_requests_total{service="git-upload-pack",step="exchange",outcome="ok"}';
  expect(await service.metric(series)).toBeGreaterThan(0);
  // Those whose clients have just left end in a moment.
  await expect.poll(() => service.metric('ngit_git_uploads_running'), { timeout: 10_000 }).toBe(0);
});
