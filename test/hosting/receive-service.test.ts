import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HeldPlaceError } from '../../src/git/git-error.js';
import { BodyError } from '../../src/git-http/body-error.js';
import { lapsedReason } from '../../src/purgatory/held-event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, headOf, refsOf, writeBlob } from '../git/scratch.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { eventually } from '../support/eventually.js';
import { client, has } from './client.js';
import { bodyOf, hostingWorld, linesOf, zeroId } from './hosting-world.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const main = 'refs/heads/main';

describe('ReceiveService', () => {
  it('sets what the held state says, and promotes announcement and state in this order', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    const announced = announcement(owner, 'r');
    const stated = state(owner, 'r', [main, first], ['HEAD', 'ref: refs/heads/main']);
    expect(await world.hold(announced, stated)).toEqual(['waits', 'waits']);
    expect(world.promoted).toEqual([]);
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    expect(world.promoted).toEqual([announced.id, stated.id]);
    const gitDir = world.pathOf(repository);
    expect(refsOf(gitDir)).toEqual({ [main]: first });
    expect(headOf(gitDir)).toBe(main);
    expect(world.changed).toContain(gitDir);
    expect(readdirSync(join(world.path, '.graspd')).filter((name) => name.startsWith('incoming-'))).toEqual(
      [],
    );
  });

  it('takes a part of what a state says, and sets HEAD with its branch', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [a, b] = [mine.commit('a'), mine.commit('b')];
    const stated = state(owner, 'r', ['refs/heads/a', a], ['refs/heads/b', b], ['HEAD', 'refs/heads/b']);
    await world.hold(announcement(owner, 'r'), stated);
    await world.push(repository, { lines: [['refs/heads/a', a]], pack: mine.pack([a]) });
    const gitDir = world.pathOf(repository);
    expect([refsOf(gitDir), headOf(gitDir)]).toEqual([{ 'refs/heads/a': a }, main]);
    expect(world.promoted).not.toContain(stated.id);
    await world.push(repository, { lines: [['refs/heads/b', b]], pack: mine.pack([b]) });
    expect([refsOf(gitDir), headOf(gitDir)]).toEqual([
      { 'refs/heads/a': a, 'refs/heads/b': b },
      'refs/heads/b',
    ]);
    expect(world.promoted).toContain(stated.id);
  });

  it('sets refs though a git that is gone left its locks behind, as after a power failure', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const gitDir = world.pathOf(repository);
    const lock = join(gitDir, 'HEAD.lock');
    writeFileSync(lock, '');
    utimesSync(lock, 1_000, 1_000);
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    expect(refsOf(gitDir)).toEqual({ [main]: first });
  });

  it('answers nothing before the whole push is here, then a sign of life', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const [head, pack] = bodyOf({
      lines: [[main, first]],
      capabilities: 'report-status side-band-64k',
      pack: mine.pack([first]),
    });
    const body = new PassThrough();
    const answer = new PassThrough();
    let answered = '';
    answer.on('data', (chunk: Buffer) => {
      answered += chunk.toString('latin1');
    });
    const receiving = world.pushBody(repository, body, '192.0.2.1', answer);
    body.write(head);
    body.write(pack?.subarray(0, 40));
    const work = join(world.path, '.graspd');
    await eventually(() => readdirSync(work).some((name) => name.startsWith('incoming-')));
    expect(answered).toBe('');
    body.end(pack?.subarray(40));
    await receiving;
    expect(answered.startsWith('0005\x02')).toBe(true);
    expect(answered).toContain('unpack ok');
  });

  it('leaves nothing behind of what it refuses', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [good, bad] = [mine.commit('good'), mine.commit('bad')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, good]));
    const report = await world.push(repository, {
      lines: [
        [main, good],
        ['refs/heads/bad', bad],
      ],
      pack: mine.pack([good, bad]),
    });
    expect(report).toEqual([
      'unpack ok',
      `ok ${main}`,
      expect.stringMatching(/^ng refs\/heads\/bad the newest/),
    ]);
    const gitDir = world.pathOf(repository);
    expect([has(gitDir, good), has(gitDir, bad)]).toEqual([true, false]);
  });

  it('leaves nothing behind that was sent along and no ref leads to', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    const second = git(mine.path, ['commit-tree', `${first}^{tree}`, '-p', first, '-m', 'two']);
    const others = [writeBlob(mine.path, 'one text'), writeBlob(mine.path, 'another text')] as const;
    const gitDir = world.pathOf(repository);
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const pack = mine.pack([first, others[0]]);
    expect(await world.push(repository, { lines: [[main, first]], pack })).toContain(`ok ${main}`);
    expect([has(gitDir, first), has(gitDir, others[0])]).toEqual([true, false]);
    // What is here already is no reason to keep the rest.
    await world.hold(state(owner, 'r', [main, second]));
    const again = mine.pack([second, others[1]]);
    expect(await world.push(repository, { lines: [[main, second, first]], pack: again })).toContain(
      `ok ${main}`,
    );
    expect([has(gitDir, second), has(gitDir, others[1])]).toEqual([true, false]);
    git(gitDir, ['fsck', '--strict']);
  });

  it('refuses objects that lead to what is not here, or are of the wrong type', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    const tree = git(mine.path, ['rev-parse', `${first}^{tree}`]);
    const second = git(mine.path, ['commit-tree', tree, '-p', first, '-m', 'two']);
    const blob = writeBlob(mine.path, 'text');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, second], ['refs/heads/b', blob]));
    const torn = await world.push(repository, {
      lines: [[main, second]],
      pack: mine.pack([second], [first]),
    });
    expect(torn[0]).not.toBe('unpack ok');
    const typed = await world.push(repository, { lines: [['refs/heads/b', blob]], pack: mine.pack([blob]) });
    expect(typed[1]).toMatch(/is no commit$/);
    expect(refsOf(world.pathOf(repository))).toEqual({});
    expect(has(world.pathOf(repository), blob)).toBe(false);
  });

  it('applies at once a state whose objects are all here, in every repository that it governs', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const other = key(2);
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r', { maintainers: [other] }), announcement(other, 'r'));
    await world.hold(state(other, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const theirs = world.pathOf({ pubkey: other, identifier: 'r' });
    expect(refsOf(theirs)).toEqual({ [main]: first });
    expect(has(theirs, first)).toBe(true);
    expect(await world.hold(state(owner, 'r', [main, first], ['refs/tags/v1', first]))).toEqual(['promoted']);
    expect(refsOf(world.pathOf(repository))).toEqual({ [main]: first, 'refs/tags/v1': first });
  });

  it('sets a branch to a commit that is here, with a pack of nothing', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    await world.hold(state(owner, 'r', [main, second], ['refs/heads/b', first]));
    const report = await world.push(repository, { lines: [['refs/heads/b', first]], pack: mine.pack([]) });
    expect(report).toEqual(['unpack ok', 'ok refs/heads/b']);
    const gitDir = world.pathOf(repository);
    expect(refsOf(gitDir)).toEqual({ [main]: first, 'refs/heads/b': first });
    expect(readdirSync(join(gitDir, 'objects', 'pack')).filter((name) => name.endsWith('.idx'))).toHaveLength(
      1,
    );
  });

  it('leaves what was pushed for a newer state, while an older one that is complete is applied', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, a, b] = [mine.commit('one'), mine.commit('a'), mine.commit('b')];
    const other = key(2);
    await world.hold(announcement(owner, 'r', { maintainers: [other] }));
    const older = state(other, 'r', [main, first]);
    const newer = state(owner, 'r', ['refs/heads/a', a], ['refs/heads/b', b]);
    await world.hold(older, newer);
    const both = mine.pack([first, a]);
    const report = await world.push(repository, {
      lines: [
        [main, first],
        ['refs/heads/a', a],
      ],
      pack: both,
    });
    expect(report).toEqual(['unpack ok', `ok ${main}`, 'ok refs/heads/a']);
    expect(refsOf(world.pathOf(repository))).toEqual({ [main]: first, 'refs/heads/a': a });
    expect(world.promoted).toContain(older.id);
    await world.push(repository, { lines: [['refs/heads/b', b]], pack: mine.pack([b]) });
    expect(refsOf(world.pathOf(repository))).toEqual({ 'refs/heads/a': a, 'refs/heads/b': b });
  });

  it('never lets a state that cannot be satisfied touch or lock anything', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(await world.hold(state(owner, 'r', [main, 'abc123']))).toEqual(['waits']);
    expect(refsOf(world.pathOf(repository))).toEqual({ [main]: first });
    expect(await world.hold(state(owner, 'r', [main, first], ['refs/heads/x', first]))).toEqual(['promoted']);
  });

  it('takes commits of pull requests before their events, and removes them when those do not come', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const event = pullRequest(key(3), [address(owner, 'r')], [['c', fix]]);
    const [known, unknown] = [`refs/nostr/${event.id}`, `refs/nostr/${'b'.repeat(64)}`];
    await world.push(repository, {
      lines: [
        [known, fix],
        [unknown, fix],
      ],
      pack: mine.pack([fix]),
    });
    const gitDir = world.pathOf(repository);
    expect(Object.keys(refsOf(gitDir)).sort()).toEqual([main, known, unknown].sort());
    expect(await world.hold(event)).toEqual(['promoted']);
    await world.clock.advance(20 * 60_000 + 1);
    await world.promotion.removeUnannounced();
    expect(Object.keys(refsOf(gitDir)).sort()).toEqual([main, known].sort());
  });

  it('removes at the end of its time what was pushed for an event that is about another repository and commit', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [fix, other] = [mine.commit('fix'), mine.commit('other')];
    await world.hold(announcement(owner, 'r'));
    const [right, wrong] = [fix, other].map((c) => pullRequest(key(3), [address(key(2), 'x')], [['c', c]]));
    const refs = [right, wrong].map((event) => `refs/nostr/${event?.id}`) as [string, string];
    const lines = refs.map((ref) => [ref, fix] as const);
    await world.push(repository, { lines, pack: mine.pack([fix]) });
    for (const event of [right, wrong]) if (event !== undefined) world.store.put(event);
    await world.clock.advance(20 * 60_000 + 1);
    await world.promotion.removeUnannounced();
    expect(refsOf(world.pathOf(repository))).toEqual({ [refs[0]]: fix });
    expect(world.purgatory.awaited.size).toBe(0);
  });

  it('counts what waits for its pull request, by the address that pushed', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const fix = mine.commit('fix');
    await world.hold(announcement(owner, 'r'));
    const refs = Array.from({ length: 1_000 }, (_, index) => `refs/nostr/${String(index).padStart(64, '0')}`);
    const report = await world.push(repository, {
      lines: refs.map((ref) => [ref, fix] as const),
      pack: mine.pack([fix]),
    });
    const taken = report.filter((line) => line.startsWith('ok ')).length;
    expect(taken).toBe(world.purgatory.awaited.size);
    expect(taken).toBeGreaterThan(0);
    expect(report.at(-1)).toMatch(/^ng .* too many refs wait/);
  });

  it.each([
    ['what is no pack', Buffer.from('hello, I am no pack at all')],
    ['half a pack', undefined],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s, and leaves nothing', async (_name, bytes) => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const whole = mine.pack([first]);
    const pack = bytes ?? whole.subarray(0, whole.length - 30);
    const report = await world.push(repository, { lines: [[main, first]], pack });
    expect(report[0]).toMatch(/^unpack (?!ok)/);
    expect(report[1]).toMatch(/^ng refs\/heads\/main /);
    expect(refsOf(world.pathOf(repository))).toEqual({});
    expect(existsSync(join(world.pathOf(repository), 'objects', 'pack', 'x'))).toBe(false);
  });

  it('bounds packs in bytes and in objects', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const many = Buffer.from(mine.pack([first]));
    many.writeUInt32BE(5_000, 8);
    const counted = await world.push(repository, { lines: [[main, first]], pack: many });
    expect(counted[0]).toBe('unpack a pack has at most 1000 objects here');
    const long = Buffer.concat([mine.pack([first]), Buffer.alloc(10_000_001)]);
    const measured = await world.push(repository, { lines: [[main, first]], pack: long });
    expect(measured[0]).toMatch(/10000000 bytes here \(--git-push-max-mb\)|exceeds maximum/);
  });

  it('asks for another push of what became right after its first look, and does the rest', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    const dev = 'refs/heads/dev';
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const later = state(owner, 'r', [main, first], [dev, second]);
    world.faulty.fault = ({ args }) => {
      if (args[0] !== 'pack-objects') return;
      world.faulty.fault = undefined;
      world.purgatory.hold(later, { addressGroup: undefined, parents: [] });
    };
    const lines = [[main, first] as const, [dev, second] as const];
    const pack = mine.pack([first, second]);
    expect(await world.push(repository, { lines, pack })).toEqual([
      'unpack ok',
      `ok ${main}`,
      `ng ${dev} the events that make this right came while you pushed: push again`,
    ]);
    expect(await world.push(repository, { lines, pack })).toEqual(['unpack ok', `ok ${main}`, `ok ${dev}`]);
  });

  it('says why it is ended for others, whatever git was doing, and leaves nothing behind', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const body = () => Readable.from(bodyOf({ lines: [[main, first]], pack: mine.pack([first]) }));
    const ending = new AbortController();
    world.faulty.fault = ({ args }) => {
      if (args[0] === 'rev-list') ending.abort(new BodyError(408, 'others wait'));
    };
    const answer = await world.pushBody(repository, body(), undefined, undefined, ending.signal);
    expect(linesOf(answer)).toEqual(['unpack others wait', `ng ${main} others wait`]);
    expect([refsOf(world.pathOf(repository)), world.coming()]).toEqual([{}, 0]);
    // Also before git has begun.
    const ended = AbortSignal.abort(new BodyError(408, 'others wait'));
    const other = await world.pushBody(repository, body(), undefined, undefined, ended);
    expect(linesOf(other)).toEqual(['unpack others wait', `ng ${main} others wait`]);
  });

  it('says so where git took long for it, and was ended for others', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    world.faulty.fault = ({ args }) => {
      if (args[0] === 'rev-list') throw new HeldPlaceError('git rev-list');
    };
    const [unpack] = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(unpack).toMatch(/^unpack others wait, and this push took git longer than theirs/);
  });

  it('answers in the form that the client asks for', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'));
    const answerTo = async (capabilities: string) =>
      linesOf(
        await world.pushBody(
          repository,
          Readable.from(bodyOf({ lines: [[main, first]], capabilities, pack: mine.pack([first]) })),
        ),
      );
    expect(await answerTo('')).toEqual([expect.stringMatching(/^ERR authorisation failed: no maintainer/)]);
    const banded = await answerTo('report-status side-band-64k');
    expect(banded[0]).toBe('\u0002');
    expect(banded[1]?.slice(0, 14)).toBe('\u0001000eunpack ok');
    expect(await answerTo('report-status')).toEqual([
      'unpack ok',
      expect.stringMatching(/^ng refs\/heads\/main no maintainer has published a state/),
    ]);
  });

  it('answers a push of nothing with nothing, and one that ends early with an error', async () => {
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    expect((await world.pushBody(repository, Readable.from([Buffer.from('0000')]))).length).toBe(0);
    const cut = await world.pushBody(repository, Readable.from([Buffer.from('00')]));
    expect(linesOf(cut)).toEqual(['ERR the push ends within its commands']);
  });

  it('refuses all where nobody may push, and says why', async () => {
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    world.refuse('this server is a read-only archive');
    const body = Readable.from(bodyOf({ lines: [[main, zeroId]], capabilities: '' }));
    expect(linesOf(await world.pushBody(repository, body))).toEqual([
      'ERR authorisation failed: this server is a read-only archive',
    ]);
    const report = await world.push(repository, { lines: [[main, zeroId]] });
    expect(report).toEqual(['unpack ok', `ng ${main} this server is a read-only archive`]);
  });

  it('tells whoever pushes what to publish, where the announcement lapsed', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const announced = announcement(owner, 'r');
    const [first, following] = [mine.commit('one'), state(owner, 'r')];
    await world.hold(announced, following);
    for (const { id } of [following, announced]) await world.purgatory.release(id, 'expired');
    const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(report).toEqual(['unpack ok', `ng ${main} ${lapsedReason}`]);
  });
});
