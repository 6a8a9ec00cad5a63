import { randomBytes } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { BareRepositories } from '../../src/git/bare-repositories.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { HelperGitStreams } from '../../src/git/git-streams.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { pktLine } from '../../src/git-protocol/pkt-line.js';
import { HttpGitRemote, type HttpGitRemoteParts } from '../../src/git-sync/remote/http-git-remote.js';
import type { FetchOutcome, FetchRequest } from '../../src/git-sync/remote.js';
import { systemClock } from '../../src/lib/clock.js';
import type { Resolver } from '../../src/network/address-policy.js';
import { git, gitBytes, scratchFolder, writeBlob, writeCommit } from '../git/scratch.js';
import { chainedPack, deepestIn, growingPack } from '../hosting/packs.js';
import { FaultyGit } from '../policy/git-world.js';
import { GitServer } from '../support/git-server.js';
import { VirtualClock } from '../support/virtual-clock.js';

const repository = { pubkey: 'a'.repeat(64), identifier: 'r' };
let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('fetching from a plain git server', () => {
  it.each(['v2', 'v0'])(
    'brings all objects by id at once, with what they lead to, by %s',
    async (version) => {
      world.server.isOld = version === 'v0';
      world.allow('allowAnySHA1InWant');
      const [main, side] = [world.commit('main'), world.commit('side')];
      world.ref('refs/heads/main', main);
      const outcome = await world.fetch([main, side]);
      expect(await taken(outcome)).toEqual([main, side]);
      expect(world.has(main) && world.has(side)).toBe(true);
      expect(world.server.asked).toHaveLength(2);
      expect(outcome.bytes).toBeGreaterThan(100);
      expect(world.leftovers()).toEqual([]);
    },
  );

  it.each(['v2', 'v0'])(
    'leaves out what the server does not have, and brings the rest, by %s',
    async (version) => {
      world.server.isOld = version === 'v0';
      world.allow('allowAnySHA1InWant');
      const [main, other] = [world.commit('main'), world.commit('other')];
      world.ref('refs/heads/main', main);
      expect(await taken(await world.fetch(['d'.repeat(40), main, 'e'.repeat(40), other]))).toEqual([
        main,
        other,
      ]);
    },
  );

  it('asks a server that gives nothing by id for its heads, tags and refs of pull requests', async () => {
    world.server.isOld = true;
    const first = world.commit('first');
    const tip = world.commit('tip', first);
    const proposed = world.commit('proposed');
    const unnamed = world.commit('unnamed');
    world.ref('refs/heads/main', tip);
    world.ref(`refs/nostr/${'b'.repeat(64)}`, proposed);
    world.ref('refs/notes/x', unnamed);
    expect(await taken(await world.fetch([first]))).toEqual([first]);
    const request = { isProposal: true, pullRequestIds: ['b'.repeat(64)] };
    expect(await taken(await world.fetch([proposed], request))).toEqual([proposed]);
    expect(world.has(unnamed)).toBe(false);
  });

  it('has what takes long counted for the address of the server', async () => {
    const main = world.commit('main');
    world.ref('refs/heads/main', main);
    const parties = new Set<string | undefined>();
    world.git.fault = ({ msMax = 0, party }) => {
      if (msMax > limits.gitMsMax) parties.add(party);
    };
    await taken(await world.fetch([main]));
    expect([...parties]).toEqual(['local']);
  });

  it('leaves nothing behind of what was not asked for', async () => {
    world.server.isOld = true;
    const first = world.commit('first');
    const tip = world.commit('tip', first);
    world.ref('refs/heads/main', tip);
    await taken(await world.fetch([first]));
    expect([world.has(first), world.has(tip)]).toEqual([true, false]);
  });

  it('sends what is here already as a thin pack would have it', async () => {
    const blob = writeBlob(world.theirs, 'x'.repeat(200_000));
    const first = world.commitOf(blob, 'first');
    await taken(await world.fetch([first]));
    git(world.ours, ['update-ref', 'refs/heads/main', first]);
    const next = world.commit('next', first);
    const outcome = await world.fetch([next]);
    expect(await taken(outcome)).toEqual([next]);
    expect(outcome.bytes).toBeLessThan(10_000);
  });

  it('asks for what fits the ids of the server, whatever else events name', async () => {
    const main = world.commit('main');
    world.ref('refs/heads/main', main);
    expect(await taken(await world.fetch(['d'.repeat(64), main]))).toEqual([main]);
  });

  it('brings what lies below the tips although others are not there', async () => {
    const first = world.commit('first');
    world.ref('refs/heads/main', world.commit('tip', first));
    const nobodys = Array.from({ length: 20 }, (_, index) => index.toString(16).padStart(40, 'e'));
    expect(await taken(await world.fetch([...nobodys, first]))).toEqual([first]);
  });

  it('takes less of what is only proposed', async () => {
    const blob = writeBlob(world.theirs, randomBytes(2_000_000).toString('hex'));
    const large = world.commitOf(blob, 'large');
    world.limitProposals(1_000_000);
    const refused = { type: 'failed', failure: 'ours' };
    expect(await world.fetch([large], { isProposal: true })).toMatchObject(refused);
    expect(await taken(await world.fetch([large]))).toEqual([large]);
  });

  it('leaves out what is proposed with paths too long for git to pack it, and brings the rest', async () => {
    const fits = world.commit('fits');
    const blob = writeBlob(world.theirs, 'x');
    const name = 'x'.repeat(limits.proposedPathBytesMax + 1);
    const tree = git(world.theirs, ['mktree'], `100644 blob ${blob}\t${name}\n`);
    const long = git(world.theirs, ['commit-tree', tree, '-m', 'long']);
    world.ref('refs/heads/fits', fits);
    world.ref('refs/heads/long', long);
    const outcome = await world.fetch([long, fits], { isProposal: true });
    expect(await taken(outcome)).toEqual([fits]);
    expect([long, fits].map((id) => world.has(id))).toEqual([false, true]);
    expect(await taken(await world.fetch([long]))).toEqual([long]);
  });

  it('is not blamed for what fails here', async () => {
    const main = world.commit('main');
    rmSync(world.ours, { recursive: true });
    expect(await world.fetch([main])).toMatchObject({ type: 'failed', failure: 'ours' });
  });

  it('moves nothing in before it is told to, and removes what it is not told to move', async () => {
    const main = world.commit('main');
    const outcome = await world.fetch([main]);
    expect(world.has(main)).toBe(false);
    if (outcome.type === 'fetched') await outcome.fetched[Symbol.asyncDispose]();
    expect(world.leftovers()).toEqual([]);
    expect(world.coming).toBe(0);
  });

  it('tells of servers that have none of it, or no such repository', async () => {
    world.ref('refs/heads/main', world.commit('main'));
    expect(await world.fetch(['d'.repeat(40)])).toMatchObject({ type: 'failed', failure: 'lacking' });
    const url = world.server.urlOf('none.git');
    expect(await world.fetch(['d'.repeat(40)], { url })).toMatchObject({ type: 'failed', failure: 'absent' });
    expect(await world.fetch(['d'.repeat(64)])).toMatchObject({ type: 'failed', failure: 'lacking' });
  });

  it('tells of an empty repository that it lacks all', async () => {
    expect(await world.fetch(['d'.repeat(40)])).toMatchObject({ type: 'failed', failure: 'lacking' });
  });
});

describe('a server that means harm, or is broken,', () => {
  const answers: [string, string, (response: ServerResponse) => void][] = [
    ['redirects', 'absent', (response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()],
    ['wants credentials', 'absent', (response) => response.writeHead(401).end()],
    ['is overloaded', 'limited', (response) => response.writeHead(503, { 'Retry-After': '90' }).end()],
    ['is broken', 'failed', (response) => response.writeHead(500).end()],
    ['answers with a page', 'invalid', (response) => response.end('<html>Welcome</html>')],
    ['answers with nothing', 'invalid', (response) => response.end()],
    ['hangs up', 'refused', (response) => response.destroy()],
    ['says why not', 'absent', (response) => response.end(pktLine('ERR access denied'))],
  ];
  it.each(answers)('that %s is told as "%s"', async (_, failure, answer) => {
    world.server.play((_request, response) => {
      answer(response);
      return true;
    });
    expect(await world.fetch(['d'.repeat(40)])).toMatchObject({ type: 'failed', failure });
    expect(world.leftovers()).toEqual([]);
  });

  it('says how long it wants to be left alone', async () => {
    world.server.play((_, response) => {
      response.writeHead(429, { 'Retry-After': '90' }).end();
      return true;
    });
    expect(await world.fetch(['d'.repeat(40)])).toMatchObject({ failure: 'limited', retryAfterMs: 90_000 });
  });

  it('that sends other objects than it was asked for is found out', async () => {
    const [wanted, other] = [world.commit('wanted'), world.commit('other')];
    const pack = packOf(world.theirs, [other]);
    world.answerPost(v2Pack(pack));
    expect(await world.fetch([wanted])).toMatchObject({ type: 'failed', failure: 'invalid' });
    expect(world.has(other)).toBe(false);
    expect(world.leftovers()).toEqual([]);
  });

  it('that adds objects which nobody asked for gets none of them in', async () => {
    const [wanted, other] = [world.commit('wanted'), world.commit('other')];
    world.answerPost(v2Pack(packOf(world.theirs, [wanted, other])));
    expect(await taken(await world.fetch([wanted]))).toEqual([wanted]);
    expect(world.has(other)).toBe(false);
  });

  it('that sends a commit without its tree is found out', async () => {
    const wanted = world.commitOf(writeBlob(world.theirs, 'content'), 'wanted');
    world.answerPost(v2Pack(packOfIds(world.theirs, [wanted])));
    expect(await world.fetch([wanted])).toMatchObject({ type: 'failed', failure: 'invalid' });
    expect(world.leftovers()).toEqual([]);
  });

  it('that sends a commit of megabytes gets nothing in', async () => {
    const text = git(world.theirs, ['cat-file', 'commit', world.commit('small')]);
    const long = `${text}\n\n`.padEnd(limits.commitBytesMax + 1, 'x');
    const wanted = git(world.theirs, ['hash-object', '-t', 'commit', '-w', '--stdin'], long);
    world.answerPost(v2Pack(packOf(world.theirs, [wanted])));
    const outcome = await world.fetch([wanted]);
    expect(outcome).toMatchObject({
      failure: 'large',
      message: expect.stringContaining('a commit has at most'),
    });
    expect(world.leftovers()).toEqual([]);
  });

  it('that sends deltas that are deeper than git packs has them cut', async () => {
    const { pack, tip } = chainedPack(3 * limits.deltaDepthMax, 2_000);
    world.answerPost(v2Pack(pack));
    expect(await taken(await world.fetch([tip]))).toEqual([tip]);
    expect(deepestIn(world.ours)).toBeLessThanOrEqual(limits.deltaDepthMax);
  });

  it('that sends few bytes which become many more than it may send gets nothing in', async () => {
    world.limits.bytesMax = 500_000;
    const { pack, tip } = growingPack(world.theirs, world.ours, 20, 100_000);
    expect(pack.length).toBeLessThan(200_000);
    world.answerPost(v2Pack(pack));
    const outcome = await world.fetch([tip]);
    expect(outcome).toMatchObject({ failure: 'large', message: expect.stringContaining('becomes larger') });
    expect([world.leftovers(), world.coming]).toEqual([[], 0]);
  });

  it('that cuts the pack off is found out', async () => {
    const wanted = world.commitOf(writeBlob(world.theirs, 'x'.repeat(1000)), 'wanted');
    const whole = v2Pack(packOf(world.theirs, [wanted]));
    world.answerPost(whole.subarray(0, whole.length - 30));
    expect(await world.fetch([wanted])).toMatchObject({ type: 'failed' });
    expect(world.leftovers()).toEqual([]);
  });

  it('that sends a pack without end is stopped at the limit', async () => {
    world.limits.bytesMax = 1_000_000;
    const wanted = world.commit('wanted');
    world.server.play((request, response) => {
      if (request.method !== 'POST') return false;
      const header = Buffer.from('PACK\0\0\0\u0002\0\u000f\0\0', 'latin1');
      response.write(Buffer.concat([pktLine('packfile\n'), band(header)]));
      const more = () => {
        while (!response.destroyed && response.write(band(Buffer.alloc(60_000)))) {}
        if (!response.destroyed) response.once('drain', more);
      };
      more();
      return true;
    });
    const outcome = await world.fetch([wanted]);
    expect(outcome).toMatchObject({ type: 'failed' });
    expect(outcome.bytes).toBeLessThan(5_000_000);
    expect(world.leftovers()).toEqual([]);
    expect(world.coming).toBe(0);
  });

  it('that sends its pack byte by byte is let go after a thousand of them', async () => {
    const blob = writeBlob(world.theirs, randomBytes(10_000).toString('hex'));
    const wanted = world.commitOf(blob, 'wanted');
    const answer = v2Pack(packOf(world.theirs, [wanted]));
    expect(answer.length).toBeGreaterThan(5 * limits.httpBodyPiecesMax);
    world.server.play((request, response) => {
      if (request.method !== 'POST') return false;
      request.resume();
      for (const byte of answer) response.write(Buffer.of(byte));
      response.end();
      return true;
    });
    const outcome = await world.fetch([wanted]);
    expect(outcome).toMatchObject({ failure: 'invalid', message: 'it sends in too many small pieces' });
    expect(outcome.bytes).toBeLessThanOrEqual(limits.httpBodyPiecesMax);
    expect(world.leftovers()).toEqual([]);
  });

  it('that announces refs without end is stopped', async () => {
    world.server.play((_, response) => {
      response.write(pktLine('# service=git-upload-pack\n'));
      response.write('0000');
      let number = 0;
      const more = () => {
        for (let going = true; going && !response.destroyed; number++) {
          const id = number.toString(16).padStart(40, '0');
          going = response.write(pktLine(`${id} refs/heads/${'x'.repeat(900)}${number}\n`));
        }
        if (!response.destroyed) response.once('drain', more);
      };
      more();
      return true;
    });
    const outcome = await world.fetch(['d'.repeat(40)]);
    expect(outcome).toMatchObject({ type: 'failed', failure: 'large' });
  });

  it('that has a shallow history is refused', async () => {
    world.answerPost(Buffer.concat([pktLine('shallow-info\n'), pktLine(`shallow ${'d'.repeat(40)}`)]));
    expect(await world.fetch([world.commit('wanted')])).toMatchObject({ type: 'failed', failure: 'invalid' });
  });

  it('that never answers, or sends a byte now and then, ends as slow', async () => {
    const clock = new VirtualClock();
    world.clock = clock;
    world.server.play(() => true);
    const silent = world.fetch(['d'.repeat(40)]);
    await expect.poll(() => world.server.asked.length).toBe(1);
    await clock.advance(31_000);
    expect(await silent).toMatchObject({ type: 'failed', failure: 'timeout' });
    let drips: ServerResponse | undefined;
    world.server.play((_, response) => {
      response.write('0');
      drips = response;
      return true;
    });
    const dripping = world.fetch(['d'.repeat(40)]);
    await expect.poll(() => drips).toBeDefined();
    let isOver = false;
    void dripping.then(() => {
      isOver = true;
    });
    for (let minutes = 0; minutes < 20 && !isOver; minutes++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await clock.advance(60_000);
    }
    expect(await dripping).toMatchObject({ type: 'failed', failure: 'slow' });
  });

  it.each([true, false])('that sends 1 kB a second is ended while others wait (%s)', async (isAwaited) => {
    const clock = new VirtualClock();
    world.clock = clock;
    let answer: ServerResponse | undefined;
    world.server.play((_, response) => {
      response.write(pktLine('# service=git-upload-pack\n'));
      response.write('0000');
      answer = response;
      return true;
    });
    const fetching = world.fetch(['d'.repeat(40)], { isAwaited: () => isAwaited });
    await expect.poll(() => answer).toBeDefined();
    const ref = (number: number) =>
      pktLine(`${number.toString(16).padStart(40, '0')} refs/heads/${'x'.repeat(900)}${number}\n`);
    let isOver = false;
    void fetching.then(() => {
      isOver = true;
    });
    for (let minutes = 0; minutes < 6 && !isOver; minutes++) {
      for (let number = 0; number < 64; number++) answer?.write(ref(minutes * 64 + number));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await clock.advance(60_000);
    }
    expect(isOver).toBe(isAwaited);
    answer?.destroy();
    expect(await fetching).toMatchObject({ type: 'failed', failure: isAwaited ? 'slow' : 'refused' });
  });

  it('whose answer comes when the time is over ends nothing but its fetch', async () => {
    const clock = new VirtualClock();
    world.clock = clock;
    world.limits.msMax = 1_000;
    world.server.play(() => true);
    const fetching = world.fetch(['d'.repeat(40)]);
    await expect.poll(() => world.server.asked.length).toBe(1);
    await clock.advance(1_000);
    expect(await fetching).toMatchObject({ type: 'failed', failure: 'slow' });
    expect(world.leftovers()).toEqual([]);
  });
});

describe('a fetch', () => {
  it('tells where its server was found, and goes no further where it may not', async () => {
    const main = world.commit('main');
    const told: string[] = [];
    const isAt = (address: string) => {
      told.push(address);
      return told.length > 1;
    };
    expect(await world.fetch([main], { isAt })).toMatchObject({
      type: 'failed',
      failure: 'crowded',
      bytes: 0,
    });
    expect(told).toEqual(['local']);
    expect(await taken(await world.fetch([main], { isAt }))).toEqual([main]);
    expect(told.every((address) => address === 'local')).toBe(true);
  });

  it('that is to end for others fails as slow, and leaves nothing', async () => {
    world.server.play(() => true);
    const ending = new AbortController();
    const fetching = world.fetch(['d'.repeat(40)], { ending: ending.signal });
    await expect.poll(() => world.server.asked.length).toBe(1);
    ending.abort();
    const message = 'others wait, and it has run for longest';
    expect(await fetching).toMatchObject({ type: 'failed', failure: 'slow', message });
    expect(world.leftovers()).toEqual([]);
  });
});

describe('where a URL leads', () => {
  it('is not followed into private networks, by address or by name', async () => {
    world.allowPrivate = false;
    expect(await world.fetch(['d'.repeat(40)])).toMatchObject({ type: 'failed', failure: 'policy' });
    world.resolve = (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const url = `http://git.example.com:${world.server.port}/r.git`;
    expect(await world.fetch(['d'.repeat(40)], { url })).toMatchObject({ type: 'failed', failure: 'policy' });
    expect(world.server.asked).toEqual([]);
  });

  it('is looked up when the connection is made, so that a name cannot lead elsewhere after a check', async () => {
    world.allowPrivate = false;
    const answers: LookupAddress[] = [{ address: '203.0.113.1', family: 4 }];
    let lookups = 0;
    world.resolve = (_host, _options, callback) => {
      lookups += 1;
      // Whoever looked before would get the first answer, and who connects the second: there is one look only.
      const answer = lookups === 1 ? { address: '127.0.0.1', family: 4 } : (answers[0] as LookupAddress);
      callback(null, [answer]);
    };
    const url = `http://git.example.com:${world.server.port}/r.git`;
    expect(await world.fetch(['d'.repeat(40)], { url })).toMatchObject({ type: 'failed', failure: 'policy' });
    expect(lookups).toBe(1);
    expect(world.server.asked).toEqual([]);
  });

  it('is not a name that is none of the public network', async () => {
    world.allowPrivate = false;
    const url = 'http://git.internal/r.git';
    expect(await world.fetch(['d'.repeat(40)], { url })).toMatchObject({ type: 'failed', failure: 'policy' });
  });
});

it('ends with its signal', async () => {
  world.server.play(() => true);
  const stop = new AbortController();
  const fetching = world.fetch(['d'.repeat(40)], {}, stop.signal);
  await expect.poll(() => world.server.asked.length).toBe(1);
  stop.abort(new Error('the end'));
  await expect(fetching).rejects.toThrow('the end');
  expect(world.leftovers()).toEqual([]);
});

/** Moves what came in; gives which of the objects that is. */
async function taken(outcome: FetchOutcome): Promise<readonly string[]> {
  if (outcome.type === 'failed') throw new Error(`${outcome.failure}: ${outcome.message}`);
  await using fetched = outcome.fetched;
  await fetched.moveIn();
  return fetched.objectIds;
}

function band(data: Buffer): Buffer {
  return pktLine(Buffer.concat([Buffer.from([1]), data]));
}

/** An answer of protocol v2 with that pack. */
function v2Pack(pack: Buffer): Buffer {
  return Buffer.concat([pktLine('packfile\n'), band(pack), Buffer.from('0000')]);
}

/** A pack of objects with all that they lead to. */
function packOf(gitDir: string, ids: readonly string[]): Buffer {
  return packed(gitDir, ['--revs'], ids);
}

/** A pack of these objects alone. */
function packOfIds(gitDir: string, ids: readonly string[]): Buffer {
  return packed(gitDir, [], ids);
}

function packed(gitDir: string, args: readonly string[], ids: readonly string[]): Buffer {
  return gitBytes(gitDir, ['pack-objects', '-q', '--stdout', ...args], `${ids.join('\n')}\n`);
}

/** A plain git server, and a repository of ours that lacks what is there. */
class World implements AsyncDisposable {
  readonly server: GitServer;
  readonly theirs: string;
  readonly ours: string;
  readonly limits = {
    bytesMax: 100_000_000,
    bytesMaxIs: '--git-fetch-max-mb',
    objectsMax: 1_000_000,
    msMax: 3_600_000,
  };
  clock: HttpGitRemoteParts['clock'] = systemClock;
  allowPrivate = true;
  resolve: Resolver | undefined;
  /** Bytes that are reserved. */
  coming = 0;
  #proposalBytesMax = Number.POSITIVE_INFINITY;
  readonly #folder: ReturnType<typeof scratchFolder>;
  readonly #stop = new AbortController();
  readonly #repositories: BareRepositories;
  readonly git: FaultyGit;
  readonly #streams: HelperGitStreams;

  private constructor(server: GitServer, folder: ReturnType<typeof scratchFolder>) {
    this.server = server;
    this.#folder = folder;
    this.theirs = join(folder.path, 'theirs', 'r.git');
    const helper = new GitHelper(this.#stop.signal);
    this.git = new FaultyGit(new GitRunner(systemClock, this.#stop.signal, helper));
    this.#streams = new HelperGitStreams(helper, systemClock);
    this.#repositories = new BareRepositories(join(folder.path, 'ours'), this.git);
    this.ours = this.#repositories.pathOf(repository);
  }

  static async start(): Promise<World> {
    const folder = scratchFolder();
    mkdirSync(join(folder.path, 'theirs'));
    const made = new World(await GitServer.start(join(folder.path, 'theirs')), folder);
    git(made.theirs, ['init', '-q', '--bare']);
    await made.#repositories.open();
    await made.#repositories.ensure(repository);
    return made;
  }

  allow(what: string): void {
    git(this.theirs, ['config', `uploadpack.${what}`, 'true']);
  }

  commit(message: string, parent?: string): string {
    if (parent === undefined) return writeCommit(this.theirs, message);
    const tree = git(this.theirs, ['mktree']);
    return git(this.theirs, ['commit-tree', tree, '-p', parent, '-m', message]);
  }

  commitOf(blob: string, message: string): string {
    const tree = git(this.theirs, ['mktree'], `100644 blob ${blob}\tfile\n`);
    return git(this.theirs, ['commit-tree', tree, '-m', message]);
  }

  ref(name: string, objectId: string): void {
    git(this.theirs, ['update-ref', name, objectId]);
  }

  answerPost(body: Buffer): void {
    this.server.play((request, response) => {
      if (request.method !== 'POST') return false;
      request.resume();
      response.end(body);
      return true;
    });
  }

  async fetch(
    objectIds: readonly string[],
    more: Partial<FetchRequest> = {},
    signal = this.#stop.signal,
  ): Promise<FetchOutcome> {
    const remote = new HttpGitRemote({
      repositories: this.#repositories,
      git: this.git,
      streams: this.#streams,
      clock: this.clock,
      allowPrivate: this.allowPrivate,
      ...(this.resolve === undefined ? {} : { resolve: this.resolve }),
      packLimits: this.limits,
      reserve: (_, isProposal) => {
        let reserved = 0;
        const take = (bytes: number) => {
          if (isProposal && reserved + bytes > this.#proposalBytesMax) return 'no room';
          reserved += bytes;
          this.coming += bytes;
          return undefined;
        };
        return {
          take,
          [Symbol.dispose]: () => {
            this.coming -= reserved;
          },
        };
      },
      onPack: () => {},
    });
    const url = this.server.urlOf('r.git');
    const request = {
      url,
      repository,
      objectIds,
      isProposal: false,
      pullRequestIds: [],
      isAwaited: () => false,
      isAt: () => true,
      ending: new AbortController().signal,
      ...more,
    };
    return await remote.fetch(request, signal);
  }

  /** Leaves room for so many bytes of what is only proposed. */
  limitProposals(bytesMax: number): void {
    this.#proposalBytesMax = bytesMax;
  }

  has(objectId: string): boolean {
    try {
      git(this.ours, ['cat-file', '-e', objectId]);
      return true;
    } catch {
      return false;
    }
  }

  /** Folders of fetches that are still there. */
  leftovers(): string[] {
    const names = readdirSync(join(this.#folder.path, 'ours'), { recursive: true }).map(String);
    return names.filter((name) => /fetched-[^/]*$/.test(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the end of the test'));
    await this.server[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
