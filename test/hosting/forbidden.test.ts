import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, gitBytes, refsOf, writeBlob } from '../git/scratch.js';
import { announcement, key, state } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld, linesOf, zeroId } from './hosting-world.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const main = 'refs/heads/main';

describe('A push', () => {
  it.each(['.git', '.GIT', 'git~1', '..'])('with a tree that has %j in it is refused', async (name) => {
    await using world = await hostingWorld();
    using mine = client();
    const blob = writeBlob(mine.path, '[core]\n\tfsmonitor = touch /tmp/x\n');
    // git mktree would not write such names.
    const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]);
    const file = join(mine.path, 'tree');
    writeFileSync(file, entry);
    const tree = git(mine.path, ['hash-object', '-w', '-t', 'tree', '--literally', file]);
    const commit = git(mine.path, ['commit-tree', tree, '-m', 'bad']);
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, commit]));
    const report = await world.push(repository, { lines: [[main, commit]], pack: mine.pack([commit]) });
    expect(report[0]).toMatch(/^unpack (?!ok)/);
    expect(refsOf(world.pathOf(repository))).toEqual({});
  });

  it('runs no hook that stands in the repository', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const commit = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, commit]));
    const gitDir = world.pathOf(repository);
    mkdirSync(join(gitDir, 'hooks'));
    const proof = join(world.path, 'hook-ran');
    for (const hook of ['pre-receive', 'update', 'post-receive', 'reference-transaction', 'post-update']) {
      writeFileSync(join(gitDir, 'hooks', hook), `#!/bin/sh\ntouch '${proof}'\n`, { mode: 0o755 });
    }
    await world.push(repository, { lines: [[main, commit]], pack: mine.pack([commit]) });
    expect(refsOf(gitDir)).toEqual({ [main]: commit });
    expect(existsSync(proof)).toBe(false);
  });

  it('of 100,000 commands is refused when it has come to its limit', async () => {
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    function* body(): Generator<Buffer> {
      for (let number = 0; number < 100_000; number += 1) {
        const capabilities = number === 0 ? '\0report-status' : '';
        yield pktLine(`${zeroId} ${'a'.repeat(40)} refs/heads/b${number}${capabilities}`);
      }
      yield flushPkt;
    }
    const answer = linesOf(await world.pushBody(repository, Readable.from(body())));
    expect(answer).toEqual([expect.stringMatching(/^ERR a push has at most 20000 commands/)]);
  });

  it('with bytes behind its pack leaves none of them', async () => {
    await using world = await hostingWorld();
    using mine = client();
    const [first, second] = [mine.commit('one'), mine.commit('two')];
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const pack = Buffer.concat([mine.pack([first]), mine.pack([second]), Buffer.from('0000')]);
    await world.push(repository, { lines: [[main, first]], pack });
    const gitDir = world.pathOf(repository);
    const objects = gitBytes(gitDir, ['cat-file', '--batch-all-objects', '--batch-check']).toString();
    expect(objects).not.toContain(second);
  });

  it.each(['HEAD', 'refs/heads/../../HEAD', 'refs/heads/a.lock', 'refs/heads/@{u}', '-x', 'refs/heads/'])(
    'of %j is refused',
    async (ref) => {
      await using world = await hostingWorld();
      using mine = client();
      const commit = mine.commit('one');
      await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, commit]));
      const report = await world.push(repository, { lines: [[ref, commit]], pack: mine.pack([commit]) });
      expect(report.at(-1)).toMatch(/^ng /);
      expect(refsOf(world.pathOf(repository))).toEqual({});
    },
  );
});
