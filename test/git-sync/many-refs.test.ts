import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import type { GitHttpClient } from '../../src/git-sync/remote/git-http-client.js';
import { ServerFetch } from '../../src/git-sync/remote/server-fetch.js';
import { ServerSession } from '../../src/git-sync/remote/server-session.js';
import { scratchFolder } from '../git/scratch.js';
import { turnsOf } from '../support/turns.js';

const count = limits.gitRemoteRefsMax;
const idOf = (at: number) => at.toString(16).padStart(40, '0');
const proposal = `refs/nostr/${'b'.repeat(64)}`;
/** What one turn of the event loop may look at. */
const perTurn = 10_000;

/** A server that has these refs, in one version of the protocol or the other, and what it is asked. */
function serverWith(names: readonly string[], version: 'v0' | 'v2') {
  const asked: Buffer[] = [];
  async function* lines(texts: readonly string[]) {
    for (let from = 0; from < texts.length; from += 1_000)
      yield Buffer.concat(texts.slice(from, from + 1_000).map((text) => pktLine(text)));
    yield flushPkt;
  }
  const refs = names.map((name, at) => `${idOf(at)} ${name}`);
  const client = {
    advertisement: async () => lines(version === 'v2' ? ['version 2', 'ls-refs', 'fetch'] : refs),
    uploadPack: async (body: Buffer) => {
      asked.push(body);
      return lines(refs);
    },
  } as unknown as GitHttpClient;
  return { client, asked };
}

describe.each(['v0', 'v2'] as const)('a git server with very many refs, by %s', (version) => {
  it('has those kept that may be asked for, and no others', async () => {
    const names = ['refs/heads/a', 'refs/notes/b', `refs/nostr/${'c'.repeat(64)}`, proposal, 'refs/tags/d'];
    const { client } = serverWith(names, version);
    const session = await ServerSession.open(client, [proposal]);
    const refs = await session.refs();
    expect(refs.map(({ name }) => name)).toEqual(['refs/heads/a', proposal, 'refs/tags/d']);
  });
});

describe('very many refs of a git server', () => {
  it('are asked for in turns', async () => {
    const { client, asked } = serverWith(['refs/heads/a'], 'v0');
    const session = await ServerSession.open(client, []);
    const wants = Array.from({ length: count }, (_, at) => idOf(at));
    expect(await turnsOf(session.pack(wants, []))).toBeGreaterThanOrEqual(count / perTurn);
    expect(asked[0]?.length).toBe(count * pktLine(`want ${idOf(0)}\n`).length + '00000009done\n'.length);
  });

  it.each([
    ['none of them is what is wanted', 'f'.repeat(40), count],
    ['one of them is what is wanted', idOf(7), 1],
  ])('are looked at in turns, where %s', async (_, sought, wanted) => {
    using folder = scratchFolder();
    mkdirSync(join(folder.path, 'objects'));
    let wants: readonly string[] = [];
    const named = Array.from({ length: count }, (_, at) => ({
      name: `refs/heads/${at}`,
      objectId: idOf(at),
    }));
    const session = {
      objectFormat: 'sha1',
      givesById: false,
      refs: async () => named,
      pack: async (ids: readonly string[]) => {
        wants = ids;
        throw new TypeError('nothing comes');
      },
    } as unknown as ServerSession;
    type Parts = ConstructorParameters<typeof ServerFetch>;
    const parts = { packLimits: { bytesMax: 1 } } as unknown as Parts[0];
    const quarantine = { gitDir: folder.path } as unknown as Parts[2];
    const fetch = new ServerFetch(parts, session, quarantine, new AbortController().signal);
    const room = { take: () => undefined };
    const taking = fetch.take([sought], false, room).catch((error: unknown) => error);
    expect(await turnsOf(taking)).toBeGreaterThanOrEqual(count / perTurn);
    expect(await taking).toBeInstanceOf(TypeError);
    expect(wants).toHaveLength(wanted);
  });
});
