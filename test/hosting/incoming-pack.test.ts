import { availableParallelism } from 'node:os';
import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { GitStream, GitStreamCommand, GitStreamEnd } from '../../src/git/git-streams.js';
import type { Quarantine } from '../../src/git/objects/quarantine.js';
import { BodyError } from '../../src/git-http/body-error.js';
import { takePack } from '../../src/hosting/incoming-pack.js';
import { deferred } from '../../src/lib/abort.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { announcement, key, state } from '../policy/world.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { client } from './client.js';
import { bodyOf, hostingWorld, linesOf } from './hosting-world.js';
import { growingPack } from './packs.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const main = 'refs/heads/main';

describe('A pack', () => {
  it('says which limit a pack is above: of all, of pull requests, or of the room that is left', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const said = async (ref: string, id: string) =>
      (await world.push(repository, { lines: [[ref, id]], pack: mine.pack([id]) })).join();
    const proposal = `refs/nostr/${'a'.repeat(64)}`;
    world.packLimits.bytesMax = 100;
    expect(await said(main, first)).toContain('a pack has at most 100 bytes here (--git-push-max-mb)');
    expect(await said(proposal, fix)).toContain('a pack has at most 100 bytes here (--git-push-max-mb)');
    world.packLimits.bytesMax = 1_000_000_000;
    const huge = Readable.from(endless(bodyOf({ lines: [[proposal, fix]], pack: mine.pack([fix]) })));
    expect(linesOf(await world.pushBody(repository, huge)).join()).toContain('(the limit for pull requests)');
    world.limitRoom(() => 100);
    expect(await said(main, first)).toContain('no room (--repository-max-mb)');
    expect(world.coming()).toBe(0);
  });

  it('that becomes larger by what it builds upon being left out is bounded as one that comes is', async () => {
    await using world = await hostingWorld();
    using mine = client();
    await world.hold(announcement(owner, 'r'));
    const { pack, tip } = growingPack(mine.path, world.pathOf(repository), 20, 100_000);
    expect(pack.length).toBeLessThan(200_000);
    await world.hold(state(owner, 'r', [main, tip]));
    const push = async () => (await world.push(repository, { lines: [[main, tip]], pack }))[0];
    world.packLimits.bytesMax = 500_000;
    const limit = 'a pack has at most 500000 bytes here (--git-push-max-mb)';
    expect(await push()).toBe(`unpack ${limit}, and this becomes larger here`);
    world.packLimits.bytesMax = 10_000_000;
    world.limitRoom(() => 500_000);
    expect(await push()).toBe('unpack no room (--repository-max-mb)');
    expect(world.coming()).toBe(0);
    world.limitRoom(() => 10_000_000);
    expect(await push()).toBe('unpack ok');
  });

  it('that came whole has a minute, and what its bytes are worth, to be put together', async () => {
    const clock = new VirtualClock();
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1');
    const bytes = 10 * limits.packCheckBytesPerSecondMin;
    const end = deferred<GitStreamEnd>();
    const busy: GitStream = {
      input: new PassThrough().resume(),
      output: new PassThrough(),
      ended: end.promise,
      end: () => end.resolve({ exitCode: null, complaint: '', isLate: false }),
    };
    const outcome = takePack(
      { streams: { start: async () => busy }, clock },
      { gitDir: '/none', folders: { write: '/none', read: [] } } as unknown as Quarantine,
      Readable.from([header, Buffer.alloc(bytes - header.length)])[Symbol.asyncIterator](),
      { bytesMax: 2 * bytes, bytesMaxIs: '', objectsMax: 10, msMax: 3_600_000 },
      { take: () => undefined },
      new AbortController().signal,
    );
    await settle();
    await clock.advance(limits.packCheckMsMin + 10_000 - 1);
    expect(await Promise.race([outcome, 'working'])).toBe('working');
    await clock.advance(1);
    expect(await outcome).toMatchObject({ type: 'refused', cause: 'slow' });
  });

  it('is put together by a few threads, in as much memory as these and its objects are worth', async () => {
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\x03', 'latin1');
    const started: GitStreamCommand[] = [];
    const start = async (command: GitStreamCommand) => {
      started.push(command);
      throw new Error('enough');
    };
    const outcome = takePack(
      { streams: { start }, clock: new VirtualClock() },
      { gitDir: '/none', folders: { write: '/none', read: [] } } as unknown as Quarantine,
      Readable.from([header])[Symbol.asyncIterator](),
      { bytesMax: 1_000, bytesMaxIs: '', objectsMax: 10, msMax: 60_000 },
      { take: () => undefined },
      new AbortController().signal,
    );
    await expect(outcome).rejects.toThrow('enough');
    const threads = Math.min(availableParallelism(), limits.pushIndexThreadsMax);
    const ofObjects = limits.pushCheckMemoryBytesMin + 3 * limits.pushCheckMemoryBytesPerObject;
    const memoryBytesMax = ofObjects + threads * limits.pushIndexMemoryBytesPerThread;
    expect(started).toMatchObject([{ memoryBytesMax }]);
    expect(started[0]?.args).toContain(`--threads=${threads}`);
  });

  it('comes in very many pieces, and nothing is left of each but what git has', async () => {
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1');
    const pieces = 1_000;
    const end = deferred<GitStreamEnd>();
    const ended = new CountedPromise<GitStreamEnd>((resolve) => void end.promise.then(resolve));
    let taken = 0;
    let waits = 0;
    // It is slow: each piece fills it.
    const input = new Writable({
      highWaterMark: 1,
      write: (piece: Buffer, _, done) => {
        taken += piece.length;
        waits += 1;
        setImmediate(done);
      },
      final: (done) => {
        end.resolve({ exitCode: 1, complaint: 'fatal: enough', isLate: false });
        done();
      },
    });
    const slow: GitStream = { input, output: new PassThrough(), ended, end: () => {} };
    function* body() {
      yield header;
      for (let piece = 0; piece < pieces; piece += 1) yield Buffer.alloc(10);
    }
    const outcome = await takePack(
      { streams: { start: async () => slow }, clock: new VirtualClock() },
      { gitDir: '/none', folders: { write: '/none', read: [] } } as unknown as Quarantine,
      Readable.from(body())[Symbol.asyncIterator](),
      { bytesMax: 1_000_000, bytesMaxIs: '', objectsMax: 10, msMax: 3_600_000 },
      { take: () => undefined },
      new AbortController().signal,
    );
    expect(outcome).toMatchObject({ type: 'refused', reason: 'enough' });
    expect([taken, waits]).toEqual([header.length + 10 * pieces, 1 + pieces]);
    expect(CountedPromise.reactions).toBeLessThan(10);
  });

  it('has room taken while it comes, and given back whatever becomes of it', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, fix] = [mine.commit('one'), mine.commit('fix')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const pack = mine.pack([first]);
    const body = new PassThrough();
    body.write(Buffer.concat(bodyOf({ lines: [[main, first]], pack: pack.subarray(0, -1) })));
    const slow = world.pushBody(repository, body);
    await expect.poll(() => world.coming()).toBe(pack.length - 1);
    world.limitRoom(() => pack.length + 20);
    const ref = `refs/nostr/${'a'.repeat(64)}`;
    const other = await world.push(repository, { lines: [[ref, fix]], pack: mine.pack([fix]) });
    expect(other[0]).toBe('unpack no room (--repository-max-mb)');
    body.end(pack.subarray(-1));
    expect(linesOf(await slow)).toEqual(['unpack ok', `ok ${main}`]);
    const gone = new PassThrough();
    gone.write(Buffer.concat(bodyOf({ lines: [[ref, fix]], pack: mine.pack([fix]).subarray(0, -1) })));
    const failing = world.pushBody(repository, gone);
    await expect.poll(() => world.coming()).toBeGreaterThan(0);
    gone.destroy(new Error('gone'));
    await failing;
    expect(world.coming()).toBe(0);
  });

  it('that stops coming is answered with what is wrong with its body', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const body = new PassThrough();
    body.write(Buffer.concat(bodyOf({ lines: [[main, first]], pack: mine.pack([first]).subarray(0, -1) })));
    const slow = world.pushBody(repository, body);
    await expect.poll(() => world.coming()).toBeGreaterThan(0);
    body.destroy(new BodyError(408, 'others wait to push'));
    expect(linesOf(await slow)).toEqual(['unpack others wait to push', `ng ${main} others wait to push`]);
  });
});

/** A push with more behind its pack than a pull request may bring. */
function* endless(push: readonly Buffer[]): Generator<Buffer> {
  yield* push;
  const piece = Buffer.alloc(1_000_000);
  for (let bytes = 0; bytes <= limits.pullRequestPackBytesMax; bytes += piece.length) yield piece;
}

/** A promise that counts what is to follow upon it, and upon promises that are made of it. */
class CountedPromise<T> extends Promise<T> {
  static reactions = 0;

  // biome-ignore lint/suspicious/noThenProperty: it does what that of any promise does.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    CountedPromise.reactions += 1;
    return super.then(onFulfilled, onRejected);
  }
}
