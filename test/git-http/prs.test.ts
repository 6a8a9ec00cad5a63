import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git } from '../git/scratch.js';
import { GitClient } from '../support/git-client.js';
import { ask, commitTo, gitHttpWorld, npub, owner } from './world.js';

let world: Awaited<ReturnType<typeof gitHttpWorld>>;
const pushed: unknown[] = [];

beforeAll(async () => {
  world = await gitHttpWorld({
    prsReceive: {
      async receive({ repository }, answer) {
        pushed.push(repository);
        answer.end('taken');
      },
    },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const get = (path: string, headers = {}) => ask(world.port, 'GET', path, headers);

describe('a repository of pull requests', () => {
  it.each(['git-upload-pack', 'git-receive-pack'])(
    'is empty to readers of %s, and not on disk',
    async (service) => {
      const { status, headers, body } = await get(`/prs/${npub}/any.git/info/refs?service=${service}`);
      expect([status, headers['content-type']]).toEqual([200, `application/x-${service}-advertisement`]);
      expect(headers['access-control-allow-origin']).toBe('*');
      const zero = '0'.repeat(40);
      const lines = body.toString('latin1').split('\n');
      expect(lines.filter((line) => line.includes(`${zero} capabilities^{}\0`))).toHaveLength(1);
      if (service === 'git-upload-pack') expect(body.toString()).toContain('allow-tip-sha1-in-want');
      expect(
        readdirSync(join(world.repositories.pathOf({ pubkey: owner, identifier: 'x' }), '../..')),
      ).not.toContain('prs');
    },
  );

  it('is cloned by git in every version, with nothing or with what it has', async () => {
    await using client = await GitClient.init();
    const url = `${world.url}/prs/${npub}/some%20name.git`;
    for (const version of ['0', '1', '2'])
      expect(await client.ok('-c', `protocol.version=${version}`, 'ls-remote', url)).toBe('');
    const repository = { signer: owner, identifier: 'some name' };
    await world.repositories.ensure(repository);
    const gitDir = world.repositories.pathOf(repository);
    const commit = commitTo(gitDir, 'one');
    git(gitDir, ['update-ref', `refs/nostr/${'a'.repeat(64)}`, commit]);
    await client.ok('fetch', '--quiet', url, `refs/nostr/${'a'.repeat(64)}`);
    expect(await client.ok('rev-parse', 'FETCH_HEAD')).toBe(commit);
  });

  it('takes pushes, whether or not it is on disk', async () => {
    const path = `/prs/${npub}/new.git/git-receive-pack`;
    expect((await ask(world.port, 'POST', path, {}, 'a push')).body.toString()).toBe('taken');
    expect(pushed).toEqual([{ signer: owner, identifier: 'new' }]);
    expect((await ask(world.port, 'POST', path, {}, '0000')).body.toString()).toBe('');
  });

  it.each([
    ['its page', `/prs/${npub}/any`],
    ['its page with .git', `/prs/${npub}/any.git`],
    ['the dumb protocol', `/prs/${npub}/any.git/HEAD`],
    ['no service', `/prs/${npub}/any.git/info/refs`],
    ['a hex key', `/prs/${owner}/any.git/info/refs?service=git-upload-pack`],
    ['an unfit identifier', `/prs/${npub}/%2e%2e.git/info/refs?service=git-upload-pack`],
    ['the folder of all', '/prs/'],
  ])('is not found by %s', async (_, path) => {
    expect((await get(path)).status).toBe(404);
    expect((await get(path, { Accept: 'text/html' })).status).toBe(404);
  });

  it('answers another method with 405, and OPTIONS with 204', async () => {
    const path = `/prs/${npub}/any.git/git-upload-pack`;
    expect((await get(path)).status).toBe(405);
    expect((await ask(world.port, 'OPTIONS', path)).status).toBe(204);
  });
});

it('without GRASP-06 there is nothing at /prs', async () => {
  await using without = await gitHttpWorld();
  for (const end of ['info/refs?service=git-upload-pack', 'info/refs?service=git-receive-pack'])
    expect((await ask(without.port, 'GET', `/prs/${npub}/any.git/${end}`)).status).toBe(404);
  for (const end of ['git-upload-pack', 'git-receive-pack'])
    expect((await ask(without.port, 'POST', `/prs/${npub}/any.git/${end}`)).status).toBe(404);
});
