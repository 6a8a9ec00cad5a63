import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { PrsRepository } from '../../src/git/bare-repositories.js';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { git, refsOf } from '../git/scratch.js';
import { address, announcement, event, key, npubOf, pullRequest } from '../policy/world.js';
import { eventually } from '../support/eventually.js';
import { client, has } from './client.js';
import { bodyOf, hostingWorld, linesOf, zeroId } from './hosting-world.js';

const [owner, signer, stranger] = [key(1), key(2), key(3)];
const announced = { pubkey: owner, identifier: 'r' };
const prs: PrsRepository = { signer, identifier: 'r' };
const only = 'GRASP-06: only pushes to refs/nostr/<event-id> are accepted';

const worldWithPrs = () => hostingWorld({ grasp06Enable: true });

function urlOf(pubkey: string, identifier: string): string {
  return `https://git.example.com/prs/${npubOf(pubkey)}/${identifier}.git`;
}

/** A pull request that is to be had from the repository of its signer here. */
function proposal(commit: string, { by = signer, to = owner, identifier = 'r', at = '' } = {}): NostrEvent {
  const clone = at === '' ? urlOf(by, identifier) : at;
  return pullRequest(
    by,
    [address(to, identifier)],
    [
      ['c', commit],
      ['clone', clone],
    ],
  );
}

const refOf = ({ id }: NostrEvent) => `refs/nostr/${id}`;

describe('a push to a repository of pull requests', () => {
  it('before its event makes the repository; the event is stored when it comes', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    const path = world.repositories.pathOf(prs);
    expect(path).toBe(join(world.path, 'prs', signer, 'r.git'));
    const report = await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${refOf(event)}`]);
    expect(refsOf(path)).toEqual({ [refOf(event)]: first });
    expect(world.purgatory.awaited.of(prs)).toEqual([event.id]);
    expect(await world.hold(event)).toEqual(['promoted']);
    expect(world.store.has(event.id)).toBe(true);
    expect(world.purgatory.awaited.of(prs)).toEqual([]);
    expect(refsOf(path)).toEqual({ [refOf(event)]: first });
  });

  it('after its event has that stored', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    expect(await world.hold(event)).toEqual(['waits']);
    expect(existsSync(join(world.path, 'prs'))).toBe(false);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    expect(world.store.has(event.id)).toBe(true);
    expect(refsOf(world.repositories.pathOf(prs))).toEqual({ [refOf(event)]: first });
  });

  it('is refused whole for any other ref, and leaves nothing', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const right = refOf(proposal(first));
    for (const other of [
      'refs/heads/main',
      'refs/tags/v1',
      'refs/nostr/abc',
      `refs/nostr/${'A'.repeat(64)}`,
    ]) {
      const lines = [
        [right, first],
        [other, first],
      ] as const;
      const report = await world.push(prs, { lines, pack: mine.pack([first]) });
      expect(report).toEqual(['unpack ok', `ng ${right} ${only}`, `ng ${other} ${only}`]);
    }
    const deletion = await world.push(prs, { lines: [[right, zeroId, first]] });
    expect(deletion[1]).toBe(`ng ${right} the ref of a pull request goes with its event`);
    expect(readdirSync(world.path)).toEqual(['.graspd']);
    expect(world.prs.registry.size).toBe(0);
  });

  it('is refused where the event does not fit, in signer, identifier, clone URL or commit', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const unfit: [NostrEvent, string][] = [
      [proposal(first, { by: stranger }), 'signed by another key'],
      [proposal(first, { identifier: 'other', at: urlOf(signer, 'r') }), 'no repository of this identifier'],
      [proposal(first, { at: urlOf(stranger, 'r') }), 'does not name this address'],
      [proposal(first, { at: urlOf(signer, 'r').replace('git.', 'other.') }), 'does not name this address'],
      [proposal(`${'404'.repeat(13)}a`), 'names commit … you pushed'],
      [event(signer, 1111, [['a', address(owner, 'r')]]), 'is no pull request'],
    ];
    for (const [known, reason] of unfit) {
      world.store.put(known);
      const report = await world.push(prs, { lines: [[refOf(known), first]], pack: mine.pack([first]) });
      expect(report[1]).toContain(reason);
      expect(report[1]?.replace(refOf(known), '')).not.toMatch(/not found|404/i);
    }
    expect(readdirSync(world.path)).toEqual(['.graspd']);
  });

  it('is told of a broken pack without words that say that there is no such thing', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), `${'404'.repeat(13)}a`];
    const lines = [[refOf(proposal(second)), second]] as const;
    const report = await world.push(prs, { lines, pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ng ${lines[0][0]} … was not in the push`]);
    expect(world.prs.registry.size).toBe(0);
  });

  it('goes on where another one is already, with what that has', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const [one, two] = [proposal(first), proposal(mine.commit('two'))];
    const second = two.tags.find(([name]) => name === 'c')?.[1] as string;
    await world.push(prs, { lines: [[refOf(one), first]], pack: mine.pack([first]) });
    await world.push(prs, { lines: [[refOf(two), second]], pack: mine.pack([second], [first]) });
    expect(refsOf(world.repositories.pathOf(prs))).toEqual({ [refOf(one)]: first, [refOf(two)]: second });
  });
});

describe('limits of repositories of pull requests', () => {
  it('are of one key, and of all: a repository that is there takes more', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const push = async (repository: PrsRepository) => {
      const known = proposal(first, { by: repository.signer, identifier: repository.identifier });
      await world.hold(known);
      return await world.push(repository, { lines: [[refOf(known), first]], pack: mine.pack([first]) });
    };
    expect((await push(prs))[1]).toMatch(/^ok/);
    expect((await push({ signer, identifier: 's' }))[1]).toMatch(/^ok/);
    expect((await push({ signer, identifier: 't' }))[1]).toContain('--grasp06-key-repositories');
    expect((await push({ signer: stranger, identifier: 't' }))[1]).toMatch(/^ok/);
    expect((await push({ signer: stranger, identifier: 'u' }))[1]).toContain('--grasp06-repositories');
    expect((await push(prs))[1]).toMatch(/^ok/);
  });

  it('leave half of the repositories of a key to pull requests that are published', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const push = async (identifier: string, commit: string) => {
      const unknown = `refs/nostr/${commit.padEnd(64, '0')}`;
      const repository = { signer, identifier };
      return (await world.push(repository, { lines: [[unknown, commit]], pack: mine.pack([commit]) }))[1];
    };
    expect(await push('r', first)).toMatch(/^ok/);
    expect(await push('s', first)).toContain('publish those');
    expect(world.prs.registry.size).toBe(1);
    expect(await push('r', second)).toMatch(/^ok/);
    const known = proposal(first, { identifier: 's' });
    await world.hold(known);
    const lines = [[refOf(known), first]] as const;
    expect((await world.push({ signer, identifier: 's' }, { lines, pack: mine.pack([first]) }))[1]).toMatch(
      /^ok/,
    );
  });

  it('bound what waits for its event by repository, as everywhere', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const lines = Array.from({ length: limits.awaitedPerRepositoryMax + 1 }, (_, index) => {
      return [`refs/nostr/${index.toString(16).padStart(64, '0')}`, first] as const;
    });
    const report = await world.push(prs, { lines, pack: mine.pack([first]) });
    expect(report.filter((line) => line.startsWith('ok'))).toHaveLength(limits.awaitedPerRepositoryMax);
    expect(report.at(-1)).toContain('too many refs wait for their pull requests');
  });
});

describe('a ref of a pull request', () => {
  it('goes when its event does not come in time, and the repository with it', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    await world.clock.advance(limits.awaitedPullRequestMsMax - 1);
    await world.promotion.removeUnannounced();
    expect(existsSync(world.repositories.pathOf(prs))).toBe(true);
    await world.clock.advance(1);
    await world.promotion.removeUnannounced();
    expect(existsSync(join(world.path, 'prs', signer))).toBe(false);
    expect(world.prs.removed).toEqual([prs]);
    expect(world.prs.registry.size).toBe(0);
    expect(world.purgatory.awaited.size).toBe(0);
  });

  it('goes at the end of its time when its event came, does not fit, and was not looked at', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const unfit = proposal(first, { at: urlOf(stranger, 'r') });
    await world.push(prs, { lines: [[refOf(unfit), first]], pack: mine.pack([first]) });
    world.store.put(unfit);
    await world.clock.advance(limits.awaitedPullRequestMsMax);
    await world.promotion.removeUnannounced();
    expect(existsSync(world.repositories.pathOf(prs))).toBe(false);
    expect(world.purgatory.awaited.size).toBe(0);
  });

  it('goes when its event comes just before it is set, and does not fit', async () => {
    await using world = await worldWithPrs();
    world.servePrs();
    using mine = client();
    const first = mine.commit('one');
    const unfit = proposal(first, { by: stranger });
    const { awaited } = world.purgatory;
    const roomFor = awaited.roomFor.bind(awaited);
    let looks = 0;
    vi.spyOn(awaited, 'roomFor').mockImplementation((...args) => {
      looks += 1;
      if (looks === 2) {
        world.store.put(unfit);
        world.prs.alignment.onEvent(unfit);
      }
      return roomFor(...args);
    });
    await world.push(prs, { lines: [[refOf(unfit), first]], pack: mine.pack([first]) });
    expect(looks).toBeGreaterThan(1);
    await eventually(() => !existsSync(world.repositories.pathOf(prs)));
    expect(awaited.size).toBe(0);
  });

  it.each([
    ['names another commit', (commit: string) => proposal(commit.replace(/./g, 'c'))],
    ['names another address', (commit: string) => proposal(commit, { at: urlOf(stranger, 'r') })],
    ['is signed by another key', (commit: string) => proposal(commit, { by: stranger })],
  ])('goes when its event comes and %s', async (_, unfit) => {
    await using world = await worldWithPrs();
    world.servePrs();
    using mine = client();
    const first = mine.commit('one');
    const event = unfit(first);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    expect(refsOf(world.repositories.pathOf(prs))).toEqual({ [refOf(event)]: first });
    world.promotion.refused(event);
    await eventually(() => !existsSync(world.repositories.pathOf(prs)));
    expect(world.purgatory.awaited.size).toBe(0);
  });

  it('stays where its event was refused though it fits: it may be sent again', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    await world.prs.alignment.align(prs, new Map([[event.id, event]]));
    expect(refsOf(world.repositories.pathOf(prs))).toEqual({ [refOf(event)]: first });
    expect(world.purgatory.awaited.of(prs)).toEqual([event.id]);
  });

  it('goes when its event is deleted, and others of the repository stay', async () => {
    await using world = await worldWithPrs();
    world.servePrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const [one, two] = [proposal(first), proposal(second)];
    await world.hold(one, two);
    const lines = [
      [refOf(one), first],
      [refOf(two), second],
    ] as const;
    await world.push(prs, { lines, pack: mine.pack([first, second]) });
    const path = world.repositories.pathOf(prs);
    world.prs.alignment.onRemoved(world.store.put(event(signer, 5, [['e', one.id]])).removed);
    await eventually(() => isDeepStrictEqual(refsOf(path), { [refOf(two)]: second }));
    world.prs.alignment.onRemoved(world.store.put(event(signer, 5, [['e', two.id]])).removed);
    await eventually(() => !existsSync(path));
  });

  it('goes by its deletion from one of many, packed or not, without a look at what stays', async () => {
    await using world = await worldWithPrs();
    world.servePrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const [kept, gone] = [proposal(first), proposal(second)];
    const other = proposal(first, { identifier: 's' });
    await world.hold(kept, gone, other);
    const lines = [
      [refOf(kept), first],
      [refOf(gone), second],
    ] as const;
    await world.push(prs, { lines, pack: mine.pack([first, second]) });
    await world.push(
      { signer, identifier: 's' },
      { lines: [[refOf(other), first]], pack: mine.pack([first]) },
    );
    const path = world.repositories.pathOf(prs);
    git(path, ['pack-refs', '--all', '--prune']);
    const changes = world.changed.length;
    world.prs.alignment.onRemoved(world.store.put(event(signer, 5, [['e', gone.id]])).removed);
    await eventually(() => isDeepStrictEqual(refsOf(path), { [refOf(kept)]: first }));
    await eventually(() => world.changed.length > changes);
    expect(new Set(world.changed.slice(changes))).toEqual(new Set([path]));
  });

  it('goes although the lock of another repository is held for long', async () => {
    await using world = await worldWithPrs();
    world.servePrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const other = { signer: stranger, identifier: 's' };
    const [slow, quick] = [proposal(second, { by: stranger, identifier: 's' }), proposal(second)];
    const pack = mine.pack([first]);
    await world.push(other, { lines: [[refOf(slow), first]], pack });
    await world.push(prs, { lines: [[refOf(quick), first]], pack });
    const [slowPath, quickPath] = [world.repositories.pathOf(other), world.repositories.pathOf(prs)];
    const held = deferred<void>();
    const holding = world.parts.locks.use(other, world.signal, () => held.promise);
    for (const known of [slow, quick]) world.prs.alignment.onEvent(known);
    await eventually(() => !existsSync(quickPath));
    expect(existsSync(slowPath)).toBe(true);
    held.resolve();
    await holding;
    await eventually(() => !existsSync(slowPath));
  });

  it('that goes while somebody pushes leaves the repository to that push', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const [one, two] = [proposal(first), proposal(second)];
    const path = world.repositories.pathOf(prs);
    await world.hold(one);
    await world.push(prs, { lines: [[refOf(one), first]], pack: mine.pack([first]) });
    const [head, pack] = bodyOf({ lines: [[refOf(two), second]], pack: mine.pack([second], [first]) });
    const meanwhile = async () => {
      world.store.put(event(signer, 5, [['e', one.id]]));
      await world.prs.alignment.align(prs);
      expect(refsOf(path)).toEqual({});
    };
    async function* body() {
      yield head;
      await meanwhile();
      yield pack;
    }
    const answer = linesOf(await world.pushBody(prs, Readable.from(body())));
    expect(answer).toEqual(['unpack ok', `ok ${refOf(two)}`]);
    expect(refsOf(path)).toEqual({ [refOf(two)]: second });
    expect(has(path, first)).toBe(true);
    // Nothing is left of one that was refused.
    await world.hold(two);
    world.store.put(event(signer, 5, [['e', two.id]]));
    await world.prs.alignment.align(prs);
    expect(existsSync(path)).toBe(false);
  });

  it('that a crash left goes at the next look at all, and a repository without refs', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    await world.repositories.ensure({ signer: stranger, identifier: 'none' });
    await world.repositories.ensure(prs);
    const path = world.repositories.pathOf(prs);
    git(path, ['fetch', '-q', mine.path, first]);
    const stored = proposal(first);
    world.store.put(stored);
    git(path, ['update-ref', refOf(stored), first]);
    git(path, ['update-ref', refOf(proposal(first)), first]);
    world.servePrs();
    await eventually(async () => {
      await world.clock.advance(limits.surveyPauseMs);
      return world.prs.removed.length === 1;
    });
    await eventually(async () => {
      await world.clock.advance(limits.surveyPauseMs);
      return isDeepStrictEqual(refsOf(path), { [refOf(stored)]: first });
    });
    expect(readdirSync(join(world.path, 'prs'))).toEqual([signer]);
    expect(world.prs.registry.size).toBe(1);
  });
});

describe('an announced repository', () => {
  async function withAnnounced() {
    const world = await worldWithPrs();
    const made = announcement(owner, 'r');
    await world.hold(made);
    world.promote(made);
    return world;
  }

  it('gets the commit of a pull request with the push, as refs/nostr, and gives nothing back', async () => {
    await using world = await withAnnounced();
    using mine = client();
    const [base, first] = [mine.commit('base'), mine.commit('one')];
    git(world.pathOf(announced), ['fetch', '-q', mine.path, base]);
    const event = proposal(first);
    await world.hold(event);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    expect(world.store.has(event.id)).toBe(true);
    expect(refsOf(world.pathOf(announced))).toEqual({ [refOf(event)]: first });
    expect(has(world.repositories.pathOf(prs), base)).toBe(false);
    // What is here already is no reason to leave it out of a push.
    const other = proposal(base);
    const report = await world.push(prs, { lines: [[refOf(other), base]], pack: mine.pack([base], [base]) });
    expect(report[1]).toMatch(/was not in the push|missing/);
  });

  it('has half of it left for its maintainers', async () => {
    await using world = await withAnnounced();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    await world.hold(event);
    world.limitRoom(({ pubkey }) => (pubkey === owner ? 100 : 1e9), 100);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    expect(world.store.has(event.id)).toBe(true);
    expect(refsOf(world.pathOf(announced))).toEqual({});
  });

  it('that appears later lacks it until it is copied from there', async () => {
    await using world = await worldWithPrs();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    await world.hold(event);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    const made = announcement(owner, 'r');
    await world.hold(made);
    world.promote(made);
    const clones = [[urlOf(signer, 'r')]];
    const wanted = [{ objectId: first, pullRequestIds: [event.id], clones }];
    expect(await world.promotion.copyFromOthers(announced, wanted)).toBe(true);
    world.alignment.objectsArrived(announced);
    await world.alignment.idle();
    expect(refsOf(world.pathOf(announced))).toEqual({ [refOf(event)]: first });
  });

  it('gets the commit of one that other relays sent before', async () => {
    await using world = await withAnnounced();
    using mine = client();
    const first = mine.commit('one');
    const event = proposal(first);
    world.store.put(event);
    world.directory.onStored(event);
    await world.push(prs, { lines: [[refOf(event), first]], pack: mine.pack([first]) });
    await eventually(() => isDeepStrictEqual(refsOf(world.pathOf(announced)), { [refOf(event)]: first }));
  });
});
