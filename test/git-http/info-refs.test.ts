import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { git, writeCommit } from '../git/scratch.js';
import { ask, commitTo, gitHttpWorld, npub, owner } from './world.js';

let world: Awaited<ReturnType<typeof gitHttpWorld>>;
beforeAll(async () => {
  const receive = { receive: async () => {} };
  world = await gitHttpWorld({ receive });
});
afterAll(() => world[Symbol.asyncDispose]());

const refsOf = (folder: string, service = 'git-upload-pack') =>
  `/${npub}/${folder}/info/refs?service=${service}`;
const get = (path: string, headers = {}) => ask(world.port, 'GET', path, headers);
const text = async (path: string, headers = {}) => (await get(path, headers)).body.toString('latin1');

describe('info/refs', () => {
  it('has the refs of the repository after the header of the service, in v0 and v1', async () => {
    const commit = commitTo(await world.make('plain'), 'one');
    const v0 = await get(refsOf('plain.git'));
    expect(v0.status).toBe(200);
    expect(v0.headers['content-type']).toBe('application/x-git-upload-pack-advertisement');
    expect(v0.headers['cache-control']).toBe('no-cache');
    const said = v0.body.toString('latin1');
    expect(said).toMatch(/^001e# service=git-upload-pack\n0000[0-9a-f]{4}[0-9a-f]{40} HEAD\0/);
    expect(said).toContain(`${commit} refs/heads/main\n0000`);
    for (const capability of [
      'allow-tip-sha1-in-want',
      'allow-reachable-sha1-in-want',
      'filter',
      'symref=HEAD:refs/heads/main',
      'shallow',
      'side-band-64k',
      'object-format=sha1',
    ]) {
      expect(said).toContain(` ${capability}`);
    }
    const v1 = await text(refsOf('plain.git'), { 'Git-Protocol': 'version=1' });
    expect(v1).toMatch(/^001e# service=git-upload-pack\n0000000eversion 1\n/);
  });

  it('has the capabilities in v2, without a process after the first', async () => {
    await world.make('two');
    await world.make('three');
    const v2 = { 'Git-Protocol': 'version=2' };
    const said = await text(refsOf('two.git'), v2);
    expect(said).toMatch(/^000eversion 2\n/);
    expect(said).toContain('ls-refs=unborn');
    expect(said).toContain('fetch=shallow wait-for-done filter');
    const started = world.streams.started.length;
    expect(await text(refsOf('three.git'), v2)).toBe(said);
    expect(world.streams.started).toHaveLength(started);
  });

  it('has what a push may ask for, in v0 whatever version is asked for', async () => {
    await world.make('pushed');
    const answer = await get(refsOf('pushed.git', 'git-receive-pack'), { 'Git-Protocol': 'version=2' });
    expect(answer.headers['content-type']).toBe('application/x-git-receive-pack-advertisement');
    const said = answer.body.toString('latin1');
    expect(said).toMatch(/^001f# service=git-receive-pack\n0000/);
    for (const capability of ['report-status-v2', 'delete-refs', 'atomic', 'push-options', 'side-band-64k']) {
      expect(said).toContain(` ${capability}`);
    }
  });

  it('of an empty repository has a line with the capabilities', async () => {
    await world.make('empty');
    const line =
      /0000000000000000000000000000000000000000 capabilities\^\{\}\0.*allow-tip-sha1-in-want allow-reachable-sha1-in-want.*filter.*\n0000$/;
    expect(await text(refsOf('empty.git'))).toMatch(line);
    expect(await text(refsOf('empty.git'), { 'Git-Protocol': 'version=1' })).toMatch(line);
    expect(await text(refsOf('empty.git', 'git-receive-pack'))).toMatch(
      / capabilities\^\{\}\0.*report-status/,
    );
  });

  it('is kept until a ref changes, for each repository apart', async () => {
    const gitDir = await world.make('kept');
    const before = commitTo(gitDir, 'one');
    expect(await text(refsOf('kept.git'))).toContain(before);
    const started = world.streams.started.length;
    const after = commitTo(gitDir, 'two');
    expect(await text(refsOf('kept.git'))).toContain(before);
    world.gitHttp.refsChanged(await world.make('plain'));
    expect(await text(refsOf('kept.git'))).toContain(before);
    expect(world.streams.started).toHaveLength(started);
    world.gitHttp.refsChanged(gitDir);
    expect(await text(refsOf('kept.git'))).toContain(after);
  });

  it('that is being made while a ref changes is not kept', async () => {
    const gitDir = await world.make('racing');
    commitTo(gitDir, 'one');
    const asked = text(refsOf('racing.git'));
    await expect.poll(() => world.streams.started.at(-1)?.gitDir).toBe(gitDir);
    const after = commitTo(gitDir, 'two');
    world.gitHttp.refsChanged(gitDir);
    await asked;
    expect(await text(refsOf('racing.git'))).toContain(after);
  });

  it('is made once for many who ask at the same time', async () => {
    commitTo(await world.make('popular'), 'one');
    const started = world.streams.started.length;
    await Promise.all(Array.from({ length: 20 }, () => get(refsOf('popular.git'))));
    expect(world.streams.started).toHaveLength(started + 1);
  });

  it('that would take much of what is kept is streamed, and pushes no other out', async () => {
    const gitDir = await world.make('large');
    const commit = writeCommit(gitDir, 'one');
    const name = 'x'.repeat(200);
    const count = Math.ceil(limits.gitAdvertisementsKeptBytesMax / 32 / 250);
    const lines = Array.from(
      { length: count },
      (_, number) => `${commit} refs/heads/${name}${number + 100_000}\n`,
    );
    writeFileSync(
      join(gitDir, 'packed-refs'),
      ['# pack-refs with: peeled fully-peeled sorted \n', ...lines].join(''),
    );
    const keptBytes = async () =>
      /^ngit_git_advertisements_kept_bytes (\d+)$/m.exec(await world.registry.metrics())?.[1];
    const before = await keptBytes();
    const said = await text(refsOf('large.git'));
    expect(said.startsWith('001e# service=git-upload-pack\n0000')).toBe(true);
    expect(said.endsWith(`${name}${count + 99_999}\n0000`)).toBe(true);
    expect(await keptBytes()).toBe(before);
  });

  it('of a repository that git cannot read is a line that git shows', async () => {
    const gitDir = await world.make('broken');
    git(gitDir, ['config', 'core.repositoryFormatVersion', '99']);
    const answer = await get(refsOf('broken.git'));
    expect(answer.status).toBe(200);
    expect(answer.body.toString('utf8')).toMatch(/^[0-9a-f]{4}ERR .*99/);
    expect(answer.body.toString('utf8')).not.toContain(gitDir);
  });

  it('needs its service, and ignores other parameters', async () => {
    await world.make('plain');
    expect((await get(`/${npub}/plain.git/info/refs`)).status).toBe(404);
    expect((await get(refsOf('plain.git', 'git-upload-archive'))).status).toBe(404);
    expect((await get(refsOf('plain.git', 'upload-pack'))).status).toBe(404);
    expect((await get(`${refsOf('plain.git')}&a=b`)).status).toBe(200);
    expect((await ask(world.port, 'HEAD', refsOf('plain.git'))).status).toBe(200);
  });
});

describe('a repository', () => {
  it.each(['a b', 'ünïcode', '🦀', 'a:b', 'a.git', '%2e', 'ends.', '-x', '--upload-pack=touch x', '...'])(
    'named %j is found',
    async (identifier) => {
      await world.make(identifier);
      expect((await get(refsOf(`${encodeURIComponent(identifier)}.git`))).status).toBe(200);
    },
  );

  it.each([
    ['a traversal', `/${npub}/../${npub}/plain.git/info/refs?service=git-upload-pack`],
    ['an encoded traversal', `/${npub}/%2e%2e/${npub}/plain.git/info/refs?service=git-upload-pack`],
    ['an encoded slash', refsOf('..%2fplain.git')],
    ['dots alone', refsOf('%2e%2e.git')],
    ['no name', refsOf('.git')],
    ['a name encoded twice', refsOf('%2570lain.git')],
    ['what is no percent encoding', refsOf('%zz.git')],
    ['a NUL', refsOf('plain%00.git')],
    ['an npub in capitals', refsOf('plain.git').replace(npub, npub.toUpperCase())],
    ['a hex key', refsOf('plain.git').replace(npub, owner)],
    ['another key', refsOf('plain.git').replace(npub, `${npub.slice(0, -1)}q`)],
    ['no .git', refsOf('plain')],
    ['an identifier that is not served', refsOf('unknown.git')],
    ['the dumb protocol: HEAD', `/${npub}/plain.git/HEAD`],
    ['the dumb protocol: objects', `/${npub}/plain.git/objects/info/packs`],
    ['the configuration', `/${npub}/plain.git/config`],
    ['GRASP-06', `/prs/${npub}/plain.git/info/refs?service=git-upload-pack`],
  ])('is not found by %s', async (_, path) => {
    await world.make('plain');
    expect((await get(path)).status).toBe(404);
  });

  it('that is closed is not found, and one that is served and not made yet is empty', async () => {
    await world.make('closed');
    await world.repositories.close({ pubkey: owner, identifier: 'closed' }, Date.now());
    expect((await get(refsOf('closed.git'))).status).toBe(404);
    await world.make('open');
    expect((await get(refsOf('open.git'))).status).toBe(200);
    await world.repositories.close({ pubkey: owner, identifier: 'open' }, Date.now());
    expect((await get(refsOf('open.git'))).status).toBe(404);
    world.served.add('new');
    expect(await text(refsOf('new.git'))).toContain('capabilities^{}');
  });

  it('is answered with CORS, once, whatever becomes of the request', async () => {
    await world.make('plain');
    const paths = ['info/refs', 'info/refs?service=git-upload-pack', 'git-upload-pack', 'HEAD'];
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of paths) {
        const { rawHeaders, status, headers } = await ask(world.port, method, `/${npub}/plain.git/${path}`);
        const origins = rawHeaders.filter((name) => name.toLowerCase() === 'access-control-allow-origin');
        expect(origins, `${method} ${path}`).toHaveLength(1);
        expect(headers['access-control-max-age']).toBe('86400');
        if (method === 'OPTIONS') expect(status).toBe(204);
        if (method === 'PUT' && path !== 'HEAD')
          expect([status, headers.allow]).toEqual([405, expect.any(String)]);
      }
    }
    const preflight = await ask(world.port, 'OPTIONS', '/npub1wrong/none.git/git-receive-pack');
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
  });

  it('gives git a Git-Protocol only of a safe alphabet', async () => {
    await world.make('plain');
    const said = (protocol: string) => text(refsOf('plain.git'), { 'Git-Protocol': protocol });
    expect(await said('version=2:x=y')).toMatch(/^000eversion 2/);
    for (const hostile of ['version=2:a b', 'version=2;x', `version=2:${'a'.repeat(200)}`, '$(x)']) {
      expect(await said(hostile)).toMatch(/^001e# service/);
    }
  });
});
