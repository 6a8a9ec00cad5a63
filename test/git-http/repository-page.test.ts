import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { pageHeaders } from '../../src/http/pages/html.js';
import { npubOf } from '../../src/nostr/keys.js';
import { kinds } from '../../src/nostr/kinds.js';
import { repositoryAddress } from '../../src/nostr/repository.js';
import { git, writeBlob } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ask, commitTo, gitHttpWorld } from './world.js';

const owner = testIdentity(1);
const maintainer = testIdentity(2);
const stranger = testIdentity(3);
const npub = npubOf(owner.pubkey);
const hostile = `<script>alert("x")</script>&'`;

let world: Awaited<ReturnType<typeof gitHttpWorld>>;
beforeAll(async () => {
  world = await gitHttpWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Makes a repository of `owner`; gives its folder. */
async function make(identifier: string): Promise<string> {
  const repository = { pubkey: owner.pubkey, identifier };
  await world.repositories.ensure(repository);
  world.served.add(identifier);
  return world.repositories.pathOf(repository);
}

function announcement(identifier: string, tags: string[][] = [], created_at = 1_700_000_000) {
  const relays = ['relays', 'wss://git.example.org'];
  return signedEvent(owner, {
    kind: kinds.repositoryAnnouncement,
    created_at,
    tags: [['d', identifier], relays, ...tags],
  });
}

async function pageOf(identifier: string): Promise<string> {
  const answer = await ask(world.port, 'GET', `/${npub}/${encodeURIComponent(identifier)}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.headers['content-security-policy']).toBe(pageHeaders['Content-Security-Policy']);
  return answer.body.toString('utf8');
}

/** A commit on `main` with these files. */
function commitFiles(gitDir: string, files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files).map(
    ([name, text]) => `100644 blob ${writeBlob(gitDir, text)}\t${name}\n`,
  );
  const tree = git(gitDir, ['mktree'], entries.join(''));
  const commit = git(gitDir, ['commit-tree', tree, '-m', `a subject ${hostile}`]);
  git(gitDir, ['update-ref', 'refs/heads/main', commit]);
  return commit;
}

/** How many processes of git work on a repository. */
function processesOn(gitDir: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').startsWith(`git\0--git-dir=${gitDir}\0`);
    } catch {
      return false;
    }
  }).length;
}

/** The text of a page without its markup. */
const textOf = (page: string) => page.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

describe('the page of a repository', () => {
  it('says what it is, who maintains it and how to clone it', async () => {
    await make('plain');
    world.store(
      announcement('plain', [
        ['name', 'A project'],
        ['description', 'What it does'],
        ['maintainers', maintainer.pubkey],
      ]),
    );
    const page = await pageOf('plain');
    expect(page).toContain('<title>A project</title>');
    expect(page).toContain('<p>What it does</p>');
    expect(page).toContain(npub);
    expect(page).toContain(npubOf(maintainer.pubkey));
    expect(page).toContain(`git clone nostr://${npub}/git.example.org/plain</pre>`);
    expect(page).toContain(`git clone https://git.example.org/${npub}/plain.git`);
    expect(page).toContain(`https://gitworkshop.dev/${npub}/git.example.org/plain`);
    expect(page).toMatch(/href="nostr:naddr1[a-z0-9]+"/);
    expect(textOf(page)).toContain('hosted here empty no state published');
    expect(await ask(world.port, 'GET', `/${npub}/plain.git`).then(({ body }) => body.toString('utf8'))).toBe(
      page,
    );
  });

  it('shows branches and tags with commit and date, and the README of HEAD as plain text', async () => {
    const gitDir = await make('pushed');
    world.store(announcement('pushed'));
    const commit = commitFiles(gitDir, { 'README.md': '# Title\n\n[link](javascript:alert(1))', other: 'x' });
    git(gitDir, ['tag', '-a', '-m', 'a release', 'v1', commit]);
    const page = await pageOf('pushed');
    expect(textOf(page)).toMatch(new RegExp(`main \\(HEAD\\) ${commit.slice(0, 10)} 2023-11-14 a subject`));
    expect(textOf(page)).toContain(`v1 ${commit.slice(0, 10)} 2023-11-14 a release`);
    expect(page).toContain(
      '<h2>README.md</h2>\n<pre class="text"># Title\n\n[link](javascript:alert(1))</pre>',
    );
  });

  it('escapes everything, runs nothing and loads nothing', async () => {
    const gitDir = await make(hostile.replaceAll('/', '-'));
    world.store(
      announcement(hostile.replaceAll('/', '-'), [
        ['name', hostile],
        ['description', hostile],
      ]),
    );
    const commit = commitFiles(gitDir, { README: `${hostile}</pre><img src=x>` });
    git(gitDir, ['update-ref', 'refs/heads/<img>"&\'', commit]);
    git(gitDir, ['update-ref', 'refs/tags/<script>', commit]);
    const page = await pageOf(hostile.replaceAll('/', '-'));
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
    expect(page).toContain('&lt;img&gt;&quot;&amp;&#39;');
    const elements = [...page.matchAll(/<([a-z0-9]+)/g)].map(([, name]) => name);
    for (const element of ['script', 'img', 'iframe', 'form', 'object'])
      expect(elements).not.toContain(element);
    const loaded = [...page.matchAll(/<link [^>]*href="([^"]*)"/g)].map(([, url]) => url);
    expect(loaded).toEqual(['/icon.png', '/assets/style.css']);
    const tags = page.match(/<[^>]*>/g) ?? [];
    expect(tags.filter((tag) => / (?:src|style|on[a-z]+)=/.test(tag))).toEqual([]);
    expect(page).toContain('%3Cscript%3Ealert%28%22x%22%29%3C-script%3E%26%27.git</pre>');
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });

  it('counts issues, patches and pull requests by the newest status of those who may set one', async () => {
    await make('counted');
    world.store(announcement('counted', [['maintainers', maintainer.pubkey]]));
    const a = ['a', repositoryAddress(owner.pubkey, 'counted')];
    const root = (kind: number, content: string, tags: string[][] = []) =>
      signedEvent(stranger, { kind, content, tags: [a, ...tags] });
    const status = (by: typeof owner, step: number, id: string, at: number) =>
      signedEvent(by, { kind: kinds.statusOpen + step, created_at: at, tags: [['e', id, '', 'root'], a] });
    const issues = ['one', 'two', 'three', 'four'].map((text) => root(kinds.issue, text));
    const [one, two, three] = issues.map(({ id }) => id) as [string, string, string];
    const patch = root(kinds.patch, 'patch', [['t', 'root']]);
    const pullRequest = root(kinds.pullRequest, 'pr');
    world.store(
      ...issues,
      patch,
      root(kinds.patch, 'a later patch of the series'),
      pullRequest,
      status(maintainer, 2, one, 1_700_000_100),
      status(maintainer, 0, one, 1_700_000_050),
      status(stranger, 1, two, 1_700_000_100),
      status(testIdentity(9), 2, three, 1_700_000_100),
      status(owner, 3, pullRequest.id, 1_700_000_100),
      status(owner, 1, patch.id, 1_700_000_100),
    );
    const text = textOf(await pageOf('counted'));
    expect(text).toContain('Issues 2 open 1 done 1 closed 0 draft');
    expect(text).toContain('Patches 0 open 1 done 0 closed 0 draft');
    expect(text).toContain('Pull requests 0 open 0 done 0 closed 1 draft');
  });

  it('counts no further back than so many bytes of statuses', async () => {
    const kind = kinds.statusOpen + 2;
    const content = 'x'.repeat(limits.pageStatusesBytesMax / 2);
    /** The page of a repository with an issue that its owner closed, before strangers said so at length. */
    const closedBefore = async (identifier: string, later: readonly number[]) => {
      await make(identifier);
      const a = ['a', repositoryAddress(owner.pubkey, identifier)];
      const issue = signedEvent(stranger, { kind: kinds.issue, content: identifier, tags: [a] });
      const tags = [['e', issue.id, '', 'root']];
      world.store(announcement(identifier), issue);
      world.store(signedEvent(owner, { kind, created_at: 1_700_000_100, tags }));
      for (const created_at of later)
        world.store(signedEvent(testIdentity(9), { kind, content, created_at, tags }));
      return textOf(await pageOf(identifier));
    };
    const once = await closedBefore('spammed', [1_700_000_200]);
    expect(once).toContain('Issues 0 open 0 done 1 closed 0 draft');
    expect(once).not.toContain('The newest of each are counted.');
    const twice = await closedBefore('spammed-twice', [1_700_000_200, 1_700_000_300]);
    expect(twice).toContain('Issues 1 open 0 done 0 closed 0 draft');
    expect(twice).toContain('The newest of each are counted.');
  });

  it('says whether it is held, complete, or what lacks', async () => {
    const gitDir = await make('states');
    world.held.set('states', announcement('states', [['name', 'Held']]));
    expect(textOf(await pageOf('states'))).toContain('Held announced, waits for its first push');
    world.store(announcement('states'));
    const commit = commitTo(gitDir, 'one');
    const state = (at: number, tags: string[][]) =>
      signedEvent(owner, { kind: kinds.repositoryState, created_at: at, tags: [['d', 'states'], ...tags] });
    world.store(state(1_700_000_001, [['refs/heads/main', commit]]));
    world.gitHttp.refsChanged(gitDir);
    expect(textOf(await pageOf('states'))).toContain('hosted here complete');
    // Nothing tells of refs that do not change; a newer state is seen all the same.
    world.store(state(1_700_000_002, [['refs/heads/main', '7'.repeat(40)]]));
    expect(textOf(await pageOf('states'))).toContain('git data of 1 ref is missing');
  });

  it('is bounded: in refs, and in the README', async () => {
    const gitDir = await make('bounded');
    world.store(announcement('bounded'));
    const commit = commitFiles(gitDir, { README: 'x'.repeat(limits.pageReadmeBytesMax + 1) });
    const lines = Array.from({ length: 150 }, (_, number) => `create refs/tags/t${number} ${commit}\n`);
    git(gitDir, ['update-ref', '--stdin'], lines.join(''));
    const page = await pageOf('bounded');
    expect(page.match(/<td>t\d+<\/td>/g)).toHaveLength(limits.pageRefsMax);
    expect(page).toContain('There are more; these are the newest.');
    expect(page).toContain('It is too large to be shown.');
  });

  it('is made once, however often it is asked for, and escaped in pieces', async () => {
    const gitDir = await make('costly');
    world.store(announcement('costly'));
    commitFiles(gitDir, { README: '"'.repeat(limits.pageReadmeBytesMax) });
    const escaped: number[] = [];
    const { replaceAll } = String.prototype;
    const spy = vi.spyOn(String.prototype, 'replaceAll').mockImplementation(function (this: string, ...args) {
      escaped.push(this.length);
      return replaceAll.apply(this, args);
    });
    try {
      const page = await pageOf('costly');
      expect(page.includes('&quot;'.repeat(limits.pageReadmeBytesMax))).toBe(true);
      expect(Math.max(...escaped)).toBe(limits.pageEscapeCharsPerPiece);
      escaped.length = 0;
      for (let asked = 0; asked < 5; asked += 1) expect((await pageOf('costly')) === page).toBe(true);
      expect(escaped.reduce((sum, length) => sum + length, 0)).toBeLessThan(1_000);
    } finally {
      spy.mockRestore();
    }
    const { kind, tags, created_at } = announcement('costly', [['name', 'Another name']]);
    world.store(signedEvent(owner, { kind, tags, created_at: created_at + 1 }));
    expect((await pageOf('costly')).includes('<h1>Another name</h1>')).toBe(true);
  });

  it('is bounded: in maintainers, and in its description', async () => {
    await make('many');
    const others = Array.from(
      { length: limits.pageMaintainersMax },
      (_, at) => testIdentity(100 + at).pubkey,
    );
    const show = async (maintainers: readonly string[], chars: number) => {
      const description = ['description', 'y'.repeat(chars)];
      world.store(
        announcement('many', [['maintainers', ...maintainers], description], 1_700_000_000 + chars),
      );
      return await pageOf('many');
    };
    const shown = `<p>${'y'.repeat(limits.pageDescriptionCharsMax)}</p>`;
    // With the owner.
    const whole = await show(others.slice(1), limits.pageDescriptionCharsMax);
    expect(whole).toContain(shown);
    for (const key of others.slice(1)) expect(whole).toContain(npubOf(key));
    const cut = await show(others, limits.pageDescriptionCharsMax + 1);
    expect(cut).toContain(shown);
    expect(others.filter((key) => !cut.includes(npubOf(key)))).toHaveLength(1);
  });

  it('has no more than the names of what large commits and tags stand for', async () => {
    const gitDir = await make('large');
    world.store(announcement('large'));
    const commit = commitFiles(gitDir, { README: 'x' });
    const tree = git(gitDir, ['mktree']);
    const bytes = Math.floor(limits.pageObjectsBytesMax / 4);
    for (const at of [0, 1, 2, 3]) {
      const large = git(gitDir, ['commit-tree', tree], `large ${at}\n\n`.padEnd(bytes + at, 'x'));
      git(gitDir, ['update-ref', `refs/heads/large-${at}`, large]);
    }
    git(gitDir, ['tag', '-a', '-F', '-', 'v1', commit], 'x'.repeat(limits.pageObjectsBytesMax));
    const text = textOf(await pageOf('large'));
    // The smallest are read.
    for (const at of [0, 1, 2])
      expect(text).toMatch(new RegExp(`large-${at} \\w{10} 2023-11-14 large ${at}`));
    expect(text).toMatch(/large-3 \w{10} Tags/);
    expect(text).toMatch(/v1 \w{10} README/);
  });

  it('has the day where a commit was made, and the first paragraph of what it says', async () => {
    const gitDir = await make('zone');
    world.store(announcement('zone'));
    const tree = git(gitDir, ['mktree']);
    const person = 'A B <a@example.com> 1700000000 +0300';
    const message = 'one\ntwo\n\nand more';
    const text = `tree ${tree}\nauthor ${person}\ncommitter ${person}\n\n${message}`;
    const commit = git(gitDir, ['hash-object', '-t', 'commit', '-w', '--stdin'], text);
    git(gitDir, ['update-ref', 'refs/heads/main', commit]);
    git(gitDir, ['update-ref', 'refs/tags/file', writeBlob(gitDir, 'no commit')]);
    const shown = textOf(await pageOf('zone'));
    expect(shown).toContain(`${commit.slice(0, 10)} 2023-11-15 one two Tags`);
    expect(shown).toMatch(/Tags file \w{10} (?!\d{4}-)/);
  });

  it('is made with one git at a time, which ends with those who asked', async () => {
    const gitDir = await make('hanging');
    world.store(announcement('hanging'));
    commitTo(gitDir, 'one');
    // Git waits for what nobody writes.
    execFileSync('mkfifo', [join(gitDir, 'packed-refs')]);
    for (let asked = 0; asked < 3; asked += 1) {
      const request = httpRequest({ port: world.port, host: '127.0.0.1', path: `/${npub}/hanging` });
      request.on('error', () => {});
      request.end();
      await eventually(() => processesOn(gitDir) > 0);
      expect(processesOn(gitDir)).toBe(1);
      request.destroy();
      await eventually(() => processesOn(gitDir) === 0);
    }
  });

  it('waits for no git of others', async () => {
    const gitDir = await make('beside');
    world.store(announcement('beside'));
    const commit = commitTo(gitDir, 'one');
    const stop = new AbortController();
    const args = ['-c', 'alias.endless=!sleep 600', 'endless'];
    const others = Array.from({ length: limits.gitProcessesMax }, () =>
      world.runner.run({ gitDir, args }, stop.signal).catch(() => {}),
    );
    expect(await pageOf('beside')).toContain(commit.slice(0, 10));
    stop.abort();
    await Promise.all(others);
  });

  it('is refused where git cannot read it, which is not tried again for a while', async () => {
    const clock = new VirtualClock();
    await using world = await gitHttpWorld({ clock });
    const repository = { pubkey: owner.pubkey, identifier: 'broken' };
    await world.repositories.ensure(repository);
    world.served.add('broken');
    const gitDir = world.repositories.pathOf(repository);
    commitTo(gitDir, 'one');
    writeFileSync(join(gitDir, 'refs/heads/broken'), '7'.repeat(40));
    const askTwice = async () => {
      for (let asked = 0; asked < 2; asked += 1) {
        const { status, body } = await ask(world.port, 'GET', `/${npub}/broken`);
        expect([status, body.toString('utf8')]).toEqual([500, 'git could not read this repository\n']);
      }
      return world.streams.started.length;
    };
    expect(await askTwice()).toBe(1);
    await clock.advance(limits.pageFailureMsMax);
    expect(await askTwice()).toBe(1);
    await clock.advance(1);
    expect(await askTwice()).toBe(2);
    world.gitHttp.refsChanged(gitDir);
    expect(await askTwice()).toBe(3);
    expect(world.faults.counts.size).toBe(0);
    git(gitDir, ['update-ref', '-d', 'refs/heads/broken']);
    world.gitHttp.refsChanged(gitDir);
    expect((await ask(world.port, 'GET', `/${npub}/broken`)).status).toBe(200);
  });

  it('is read again when a ref changed', async () => {
    const gitDir = await make('kept');
    world.store(announcement('kept'));
    const before = commitTo(gitDir, 'before');
    expect(await pageOf('kept')).toContain(before.slice(0, 10));
    const after = commitTo(gitDir, 'after');
    expect(await pageOf('kept')).not.toContain(after.slice(0, 10));
    world.gitHttp.refsChanged(gitDir);
    expect(await pageOf('kept')).toContain(after.slice(0, 10));
  });
});

describe('what is not there', () => {
  it('is a page for browsers, and a line for all others', async () => {
    for (const path of [`/${npub}/unknown`, `/${npub}/unknown.git`, '/nowhere', `/prs/${npub}/x.git`]) {
      const browser = await ask(world.port, 'GET', path, { Accept: 'text/html,application/xhtml+xml;q=0.9' });
      expect([browser.status, browser.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
      expect(browser.body.toString('utf8')).toContain('<h1>Not found</h1>');
      expect(browser.headers['content-security-policy']).toContain("default-src 'none'");
      const other = await ask(world.port, 'GET', path);
      expect([other.status, other.headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8']);
    }
    await make('plain');
    expect((await ask(world.port, 'POST', `/${npub}/plain`)).status).toBe(405);
  });

  it('the icon is', async () => {
    const icon = await ask(world.port, 'GET', '/icon.png');
    expect([icon.status, icon.headers['content-type']]).toEqual([200, 'image/png']);
    expect(icon.body.subarray(1, 4).toString('latin1')).toBe('PNG');
  });
});
