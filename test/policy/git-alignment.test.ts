import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { GitError } from '../../src/git/git-error.js';
import { deferred } from '../../src/lib/abort.js';
import { npubOf } from '../../src/nostr/keys.js';
import { git, headOf, refsOf, writeCommit } from '../git/scratch.js';
import { eventually } from '../support/eventually.js';
import { futureCommit, gitWorld, graceMs } from './git-world.js';
import { address, announcement, event, foreign, key, patterns, pullRequest, state } from './world.js';

const [alice, bob, carol, mallory] = [key(1), key(2), key(3), key(4)];
const repo = { pubkey: alice, identifier: 'repo' };
const bobs = { pubkey: bob, identifier: 'repo' };
const one = futureCommit('one');
const two = futureCommit('two');

describe('Accepted by the first two: the repository is created bare, once', () => {
  it('for an announcement that lists us', async () => {
    await using here = gitWorld();
    await here.start();
    expect(await here.take(announcement(alice, 'repo'))).toEqual(['accept']);
    expect(git(here.pathOf(repo), ['rev-parse', '--is-bare-repository'])).toBe('true');
    await here.take(announcement(alice, 'repo'));
    expect(await here.metric('ngit_git_repository_changes_total', { change: 'made' })).toBe(1);
  });

  it('for an archived one', async () => {
    await using here = gitWorld({ archiveWhitelist: patterns('repo') });
    await here.start();
    await here.take(foreign(alice, 'repo'));
    expect(existsSync(here.pathOf(repo))).toBe(true);
  });

  it('not for the maintainer exception, and not for what is refused', async () => {
    await using here = gitWorld();
    await here.start();
    const outcomes = await here.take(
      announcement(alice, 'repo', { maintainers: [bob] }),
      foreign(bob, 'repo'),
      foreign(mallory, 'repo'),
    );
    expect(outcomes.slice(0, 2)).toEqual(['accept', 'accept']);
    expect(readdirSync(here.path).filter((name) => name !== '.graspd')).toEqual([npubOf(alice)]);
  });

  it('at the start, for all that were announced before', async () => {
    await using here = gitWorld();
    expect(here.submit(announcement(alice, 'repo'))).toBe('accept');
    await here.start();
    expect(existsSync(here.pathOf(repo))).toBe(true);
  });

  it('again, when somebody deleted it', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    rmSync(join(here.path, npubOf(alice)), { recursive: true });
    await here.take(state(alice, 'repo', ['HEAD', 'ref: refs/heads/x']));
    expect(headOf(here.pathOf(repo))).toBe('refs/heads/x');
  });
});

describe('Refs of the repository follow the authorised state', () => {
  it('in every repository that it governs, and in no other', async () => {
    await using here = gitWorld();
    await here.start();
    const mallorys = { pubkey: mallory, identifier: 'repo' };
    await here.take(
      announcement(alice, 'repo', { maintainers: [carol] }),
      announcement(bob, 'repo', { maintainers: [carol] }),
      announcement(mallory, 'repo'),
    );
    for (const repository of [repo, bobs, mallorys]) await here.push(repository, 'one');
    await here.take(state(carol, 'repo', ['refs/heads/main', one], ['HEAD', 'ref: refs/heads/main']));
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
    expect(refsOf(here.pathOf(bobs))).toEqual({ 'refs/heads/main': one });
    expect(refsOf(here.pathOf(mallorys))).toEqual({});
  });

  it('HEAD without `ref:` is followed like any other', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'), state(alice, 'repo', ['HEAD', 'refs/heads/develop']));
    expect(headOf(here.pathOf(repo))).toBe('refs/heads/develop');
  });

  it('the newest of the authorised states, in any order of arrival', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }));
    await here.push(repo, 'one', 'two');
    const older = state(alice, 'repo', ['refs/heads/main', one]);
    const newer = state(bob, 'repo', ['refs/heads/main', two]);
    await here.take(newer);
    await here.take(older);
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': two });
    await here.take(event(bob, 5, [['e', newer.id]]));
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
  });

  it('no longer, when its author stops to be a maintainer', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }), foreign(bob, 'repo', [carol]));
    await here.push(repo, 'one', 'two');
    await here.take(
      state(alice, 'repo', ['refs/heads/main', one]),
      state(carol, 'repo', ['refs/heads/main', two]),
    );
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': two });
    await here.take(foreign(bob, 'repo'));
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
  });

  it('a state that arrives before its objects is applied when they are there', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(
      announcement(alice, 'repo'),
      state(alice, 'repo', ['refs/heads/a', one], ['refs/heads/b', two]),
    );
    expect(refsOf(here.pathOf(repo))).toEqual({});
    await here.push(repo, 'one');
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/a': one });
    await here.push(repo, 'two');
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/a': one, 'refs/heads/b': two });
  });

  it('a state that arrives before its announcement is refused, and applied when it is sent again', async () => {
    await using here = gitWorld();
    await here.start();
    const early = state(alice, 'repo', ['HEAD', 'ref: refs/heads/x']);
    expect(await here.take(early)).toEqual(['invalid: no announcement exists for this repository']);
    await here.take(announcement(alice, 'repo'), early);
    expect(headOf(here.pathOf(repo))).toBe('refs/heads/x');
  });

  it('git is not asked again about a state that was applied whole', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }));
    await here.push(repo, 'one');
    await here.take(state(alice, 'repo', ['refs/heads/main', one]));
    here.faulty.ran.length = 0;
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }), foreign(bob, 'repo'));
    expect(here.faulty.ran).toEqual([]);
    git(here.pathOf(repo), ['update-ref', 'refs/heads/pushed', one]);
    await here.push(repo);
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
  });
});

describe('PR refs', () => {
  it('in the repositories named by its `a` tags, where the commit is present', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'), announcement(bob, 'repo'));
    await here.push(repo, 'one');
    const request = pullRequest(mallory, [address(alice, 'repo'), address(bob, 'repo')], [['c', one]]);
    await here.take(request);
    const ref = `refs/nostr/${request.id}`;
    expect(refsOf(here.pathOf(repo))).toEqual({ [ref]: one });
    expect(refsOf(here.pathOf(bobs))).toEqual({});
    await here.push(bobs, 'one');
    expect(refsOf(here.pathOf(bobs))).toEqual({ [ref]: one });
    await here.take(state(alice, 'repo'));
    expect(refsOf(here.pathOf(repo))).toEqual({ [ref]: one });
    await here.take(event(mallory, 5, [['e', request.id]]));
    expect([refsOf(here.pathOf(repo)), refsOf(here.pathOf(bobs))]).toEqual([{}, {}]);
  });

  it('corrected where it was pushed before the event and points elsewhere', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one', 'two');
    const right = pullRequest(mallory, [address(alice, 'repo')], [['c', one]]);
    const gone = pullRequest(mallory, [address(alice, 'repo')], [['c', futureCommit('never')]]);
    for (const { id } of [right, gone]) git(here.pathOf(repo), ['update-ref', `refs/nostr/${id}`, two]);
    await here.take(right, gone);
    expect(refsOf(here.pathOf(repo))).toEqual({ [`refs/nostr/${right.id}`]: one });
  });

  it('removed when its event is deleted while all of the repository waits to be looked at', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one');
    const known = pullRequest(mallory, [address(alice, 'repo')], [['c', one]]);
    await here.take(known);
    const awaited = 'a'.repeat(64);
    git(here.pathOf(repo), ['update-ref', `refs/nostr/${awaited}`, one]);
    here.purgatory.awaited.add(repo, awaited, undefined);
    here.alignment.objectsArrived(repo);
    here.alignment.objectsArrived(repo);
    await here.take(event(mallory, 5, [['e', known.id]]));
    expect(refsOf(here.pathOf(repo))).toEqual({ [`refs/nostr/${awaited}`]: one });
  });
});

describe('Deletion and replacement reach the git side', () => {
  it('closes the repository, keeps it for the grace period, then removes it', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one');
    await here.take(event(alice, 5, [['a', address(alice, 'repo')]]));
    expect(await here.repositories.closedSince(repo)).toBe(here.clock.now());
    await here.clock.advance(graceMs - 1);
    await here.alignment.sweep();
    await here.alignment.idle();
    expect(existsSync(here.pathOf(repo))).toBe(true);
    await here.clock.advance(1);
    await here.alignment.sweep();
    await here.alignment.idle();
    expect(existsSync(here.pathOf(repo))).toBe(false);
    expect(await here.metric('ngit_git_repository_changes_total', { change: 'removed' })).toBe(1);
  });

  it('has its whole grace period when the clock is set forward, as by a machine that starts without the time', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one');
    await here.take(event(alice, 5, [['a', address(alice, 'repo')]]));
    const sweep = async () => {
      await here.alignment.sweep();
      await here.alignment.idle();
      return existsSync(here.pathOf(repo));
    };
    here.clock.jump(-10 * graceMs);
    expect(await sweep()).toBe(true);
    here.clock.jump(10 * graceMs);
    expect(await sweep()).toBe(true);
    await here.clock.advance(graceMs - 1);
    expect(await sweep()).toBe(true);
    await here.clock.advance(1);
    expect(await sweep()).toBe(false);
  });

  it('above a number of closed ones, removes at once what nothing was pushed to, and keeps what was', async () => {
    await using here = gitWorld();
    await here.start();
    const names = ['a', 'b', 'c', 'd', 'pushed'];
    await here.take(...names.map((name) => announcement(alice, name)));
    await here.push({ pubkey: alice, identifier: 'pushed' }, 'one');
    for (const name of names) await here.take(event(alice, 5, [['a', address(alice, name)]]));
    const isThere = (name: string) => existsSync(here.pathOf({ pubkey: alice, identifier: name }));
    expect(names.filter(isThere)).toEqual(['a', 'b', 'c', 'pushed']);
    await here.take(announcement(alice, 'a'));
    await here.alignment.sweep();
    await here.alignment.idle();
    await here.take(announcement(alice, 'd'), event(alice, 5, [['a', address(alice, 'd')]]));
    expect(isThere('d')).toBe(false);
  });

  it('closes it to new work when it no longer lists us, and revives it with a new announcement', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }));
    await here.push(repo, 'one');
    await here.take(foreign(alice, 'repo', [bob]));
    const request = pullRequest(mallory, [address(alice, 'repo')], [['c', one]]);
    await here.take(state(bob, 'repo', ['refs/heads/main', one]), request);
    expect(await here.repositories.closedSince(repo)).toBeDefined();
    expect(refsOf(here.pathOf(repo))).toEqual({});
    await here.clock.advance(graceMs / 2);
    await here.take(announcement(alice, 'repo', { maintainers: [bob] }));
    expect(await here.repositories.closedSince(repo)).toBeUndefined();
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one, [`refs/nostr/${request.id}`]: one });
    await here.clock.advance(graceMs);
    await here.alignment.sweep();
    await here.alignment.idle();
    expect(existsSync(here.pathOf(repo))).toBe(true);
  });

  it('does so at the start for what was announced for elsewhere meanwhile, but not for what nobody announced', async () => {
    await using here = gitWorld();
    await here.repositories.ensure(repo);
    await here.repositories.ensure(bobs);
    here.submit(announcement(alice, 'repo'));
    here.submit(foreign(alice, 'repo'));
    await here.start();
    await here.alignment.sweep();
    await here.alignment.idle();
    expect(await here.repositories.closedSince(repo)).toBeDefined();
    expect(await here.repositories.closedSince(bobs)).toBeUndefined();
  });
});

describe('A failed git step never loses the event nor blocks admission', () => {
  it('is retried with backoff, visible in a metric and in the log', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one');
    here.faulty.fault = ({ args }) => {
      if (args[0] === 'update-ref') throw new GitError('git_failed', 'disk full');
    };
    const declared = state(alice, 'repo', ['refs/heads/main', one]);
    expect(await here.take(declared)).toEqual(['accept']);
    expect(here.store.has(declared.id)).toBe(true);
    expect(await here.metric('ngit_git_alignments_failing')).toBe(1);
    expect(await here.metric('ngit_git_alignments_total', { result: 'failed' })).toBe(1);
    expect(here.log).toContain('warn repository could not be aligned with stored events');
    // Asking again does not hasten it, and other repositories do not wait for it.
    expect(await here.take(announcement(alice, 'repo'), announcement(bob, 'repo'))).toEqual([
      'accept',
      'accept',
    ]);
    expect(existsSync(here.pathOf(bobs))).toBe(true);
    expect(await here.metric('ngit_git_alignments_total', { result: 'failed' })).toBe(1);
    for (let failures = 2; failures <= 4; failures += 1) {
      await here.clock.advance(limits.alignmentRetryMsMin * 2 ** (failures - 1));
      await here.alignment.idle();
      expect(await here.metric('ngit_git_alignments_total', { result: 'failed' })).toBe(failures);
    }
    here.faulty.fault = undefined;
    await here.clock.advance(limits.alignmentRetryMsMax);
    await here.alignment.idle();
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
    expect(await here.metric('ngit_git_alignments_failing')).toBe(0);
  });

  it('goes on when a git process was killed and left its locks', async () => {
    await using here = gitWorld();
    await here.start();
    await here.take(announcement(alice, 'repo'));
    await here.push(repo, 'one');
    writeFileSync(join(here.pathOf(repo), 'HEAD.lock'), '');
    // The virtual clock is ahead of the files' times by more than a git process may live.
    await here.clock.advance(0);
    here.clock.jump(Date.now() - here.clock.now() + 2 * limits.gitLockAgeMsMax);
    await here.take(state(alice, 'repo', ['refs/heads/main', one], ['HEAD', 'ref: refs/heads/x']));
    expect(await here.metric('ngit_git_alignments_failing')).toBe(1);
    await here.clock.advance(2 * limits.alignmentRetryMsMin);
    await here.alignment.idle();
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
    expect(headOf(here.pathOf(repo))).toBe('refs/heads/x');
  });

  it('waits for git where there is none, says so, and makes up for it', async () => {
    await using here = gitWorld();
    here.faulty.fault = () => {
      throw new GitError('git_spawn', 'git version could not be run');
    };
    const started = here.start();
    expect(here.submit(announcement(alice, 'repo'))).toBe('accept');
    here.alignment.run(here.effects);
    while (here.clock.timers === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(here.log).toEqual(['warn repositories do not follow events: git cannot be used']);
    await started;
    expect(await here.alignment.idle()).toBe(1);
    here.faulty.fault = undefined;
    await here.clock.advance(limits.alignmentRetryMsMax);
    await eventually(() => existsSync(here.pathOf(repo)));
  });

  it('is taken up again by the next process', async () => {
    await using here = gitWorld();
    here.submit(announcement(alice, 'repo'));
    here.submit(state(alice, 'repo', ['refs/heads/main', one]));
    await here.repositories.ensure(repo);
    writeCommit(here.pathOf(repo), 'one');
    await here.start();
    expect(refsOf(here.pathOf(repo))).toEqual({ 'refs/heads/main': one });
  });
});

it('Repositories are aligned while pushes to others take long', async () => {
  await using here = gitWorld();
  await here.start();
  const names = Array.from({ length: limits.alignmentsAtOnceMax }, (_, n) => `busy-${n}`);
  const busy = names.map((identifier) => ({ pubkey: alice, identifier }));
  await here.take(announcement(alice, 'repo'), ...names.map((name) => announcement(alice, name)));
  const pushed = deferred<void>();
  const pushes = busy.map((one) => here.parts.locks.use(one, here.signal, () => pushed.promise));
  for (const one of busy) here.alignment.objectsArrived(one);
  writeCommit(here.pathOf(repo), 'one');
  here.submit(state(alice, 'repo', ['refs/heads/main', one]));
  here.alignment.run(here.effects.splice(0));
  await eventually(() => refsOf(here.pathOf(repo))['refs/heads/main'] === one);
  await eventually(() => here.alignment.pending === busy.length);
  pushed.resolve();
  await Promise.all(pushes);
  await here.alignment.idle();
  expect(here.alignment.pending).toBe(0);
});

it('No value of an event reaches a command line, a path or a ref name unchecked', async () => {
  await using here = gitWorld({ archiveAll: true });
  await here.start();
  const identifier = '--upload-pack=touch pwned;$(touch pwned)`touch pwned`\n';
  const hostile = { pubkey: alice, identifier };
  await here.take(announcement(alice, identifier));
  await here.push(hostile, 'one');
  const ref = 'refs/heads/--exec=touch;$(touch)`touch`\'"';
  const outcomes = await here.take(
    state(alice, identifier, [ref, one], ['HEAD', `ref: ${ref}`]),
    pullRequest(mallory, [`30617:${alice}:${identifier}`], [['c', one]]),
  );
  expect(outcomes).toEqual(['accept', 'accept']);
  expect(Object.values(refsOf(here.pathOf(hostile)))).toEqual([one, one]);
  expect(headOf(here.pathOf(hostile))).toBe(ref);
  expect(readdirSync(here.path).sort()).toEqual(['.graspd', npubOf(alice)]);
  expect(readdirSync(join(here.path, npubOf(alice)))).toEqual([`${identifier}.git`]);
});
