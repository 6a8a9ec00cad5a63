import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare, type Finding, isFault, repair } from '../../src/alignment/doctor.js';
import { git, headOf, refsOf, writeCommit } from '../git/scratch.js';
import { futureCommit, gitWorld } from './git-world.js';
import { address, announcement, event, foreign, key, pullRequest, state } from './world.js';

type Here = ReturnType<typeof gitWorld>;

const [alice, bob] = [key(1), key(2)];
const repo = { pubkey: alice, identifier: 'repo' };
const one = futureCommit('one');

async function findings({ parts }: Here): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of compare(parts)) found.push(finding);
  return found;
}

const typesOf = (found: readonly Finding[]) => found.map(({ type }) => type);

async function repairAll(here: Here): Promise<void> {
  for (const finding of await findings(here)) {
    if (isFault(finding)) expect(await repair(here.parts, finding, here.clock.now())).toBe(true);
  }
}

describe('doctor', () => {
  it('finds nothing after the git side followed', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'), announcement(bob, 'repo'));
    await here.push(repo, 'one');
    await here.take(
      state(alice, 'repo', ['refs/heads/main', one], ['HEAD', 'ref: refs/heads/main']),
      pullRequest(bob, [address(alice, 'repo')], [['c', one]]),
    );
    expect(await findings(here)).toEqual([]);
  });

  it('finds and makes what is missing', async () => {
    await using here = gitWorld();
    here.submit(announcement(alice, 'repo'));
    here.submit(state(alice, 'repo', ['HEAD', 'ref: refs/heads/x']));
    expect(typesOf(await findings(here))).toEqual(['missing']);
    await repairAll(here);
    expect(headOf(here.pathOf(repo))).toBe('refs/heads/x');
    expect(await findings(here)).toEqual([]);
  });

  it('finds and aligns what is misaligned, and tells what waits for objects', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    const request = pullRequest(bob, [address(alice, 'repo')], [['c', one]]);
    const later = ['refs/heads/later', futureCommit('later')];
    await here.take(state(alice, 'repo', ['refs/heads/main', one], later), request);
    const stray = `refs/nostr/${'a'.repeat(64)}`;
    const foreignRef = 'refs/nostr/not-an-id';
    const path = here.pathOf(repo);
    writeCommit(path, 'one');
    for (const name of ['refs/heads/old', stray, foreignRef]) git(path, ['update-ref', name, one]);
    git(path, ['config', '--unset', 'uploadpack.allowFilter']);
    const found = await findings(here);
    expect(typesOf(found)).toEqual(['unset', 'misaligned', 'waiting', 'stray']);
    await repairAll(here);
    expect(typesOf(await findings(here))).toEqual(['waiting']);
    expect(refsOf(path)).toEqual({
      'refs/heads/main': one,
      [`refs/nostr/${request.id}`]: one,
      [foreignRef]: one,
    });
    expect(git(path, ['config', 'uploadpack.allowFilter'])).toBe('true');
  });

  it('finds what is extra, and closes it', async () => {
    await using here = gitWorld();
    here.submit(announcement(alice, 'repo'));
    here.submit(foreign(alice, 'repo'));
    await here.repositories.ensure(repo);
    await here.repositories.ensure({ pubkey: bob, identifier: 'unheard-of' });
    expect(typesOf(await findings(here))).toEqual(['extra', 'extra']);
    await repairAll(here);
    expect(await findings(here)).toMatchObject([{ type: 'closed' }, { type: 'closed' }]);
  });

  it('finds what is served and closed, and opens it', async () => {
    await using here = gitWorld();
    here.submit(announcement(alice, 'repo'));
    await here.repositories.ensure(repo);
    await here.repositories.close(repo, 1);
    const found = await findings(here);
    expect(found).toEqual([{ type: 'shut', repository: repo, sinceMs: 1 }]);
    expect(found.every(isFault)).toBe(true);
    await repairAll(here);
    expect(await here.repositories.closedSince(repo)).toBeUndefined();
    expect(await findings(here)).toEqual([]);
  });

  it('finds the repository of a held announcement neither extra nor missing, and makes it where it is', async () => {
    await using here = gitWorld({ holds: true });
    const held = announcement(alice, 'repo');
    expect(here.submit(held)).toBe('hold');
    expect(typesOf(await findings(here))).toEqual(['missing']);
    await repairAll(here);
    expect(await findings(here)).toEqual([]);
    await here.purgatory.release(held.id, 'expired');
    expect(typesOf(await findings(here))).toEqual(['extra']);
  });

  it('leaves alone what was pushed for a held state, a held pull request, and before its event', async () => {
    await using here = gitWorld({ holds: true });
    await here.start();
    const announced = announcement(alice, 'repo');
    await here.take(announced);
    here.promote(announced);
    await here.push(repo, 'one');
    const followed = state(alice, 'repo', ['refs/heads/main', one]);
    here.submit(followed);
    here.promote(followed);
    const two = writeCommit(here.pathOf(repo), 'two');
    const request = pullRequest(bob, [address(alice, 'repo')], [['c', two]]);
    here.submit(state(alice, 'repo', ['refs/heads/main', two], ['refs/heads/later', futureCommit('later')]));
    here.submit(request);
    here.purgatory.awaited.add(repo, 'a'.repeat(64), undefined);
    const pushed = ['refs/heads/main', `refs/nostr/${request.id}`, `refs/nostr/${'a'.repeat(64)}`];
    for (const name of pushed) git(here.pathOf(repo), ['update-ref', name, two]);
    expect(await findings(here)).toEqual([]);
    const stray = `refs/nostr/${'b'.repeat(64)}`;
    git(here.pathOf(repo), ['update-ref', stray, two]);
    expect(typesOf(await findings(here))).toEqual(['stray']);
    await repairAll(here);
    expect(Object.keys(refsOf(here.pathOf(repo))).sort()).toEqual(pushed.sort());
  });

  it('says what cannot be read, and repairs nothing there', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    rmSync(join(here.pathOf(repo), 'objects'), { recursive: true });
    const [finding] = await findings(here);
    expect(finding).toMatchObject({ type: 'unreadable' });
    expect(await repair(here.parts, finding!, 0)).toBe(false);
  });

  it('makes a repository of a folder that is none', async () => {
    await using here = gitWorld();
    here.submit(announcement(alice, 'repo'));
    mkdirSync(here.pathOf(repo), { recursive: true });
    writeFileSync(join(here.pathOf(repo), 'note'), '');
    expect(typesOf(await findings(here))).toEqual(['missing']);
    await repairAll(here);
    expect(await findings(here)).toEqual([]);
    expect(existsSync(join(here.pathOf(repo), 'note'))).toBe(true);
  });

  it('does not take a deleted repository for one that is missing', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.take(event(alice, 5, [['a', address(alice, 'repo')]]));
    expect(typesOf(await findings(here))).toEqual(['closed']);
  });
});
