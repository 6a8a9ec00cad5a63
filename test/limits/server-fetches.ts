import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ServerFetch, type ServerFetchParts } from '../../src/git-sync/remote/server-fetch.js';
import { scratchFolder } from '../git/scratch.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { many } from './entry.js';

const { signal } = new AbortController();

/** An object id by number. */
export const objectId = (at: number) => at.toString(16).padStart(40, '0');

/** How many of these objects, which all came and are not whole together, are found whole by looking at each for so long. */
export async function foundWhole(objects: number, msOfEach: number): Promise<number> {
  const clock = new VirtualClock();
  let kept = 0;
  const quarantine = {
    gitDir: '/',
    folders: {},
    isConnected: async (_: unknown, ids: readonly string[]) => {
      if (ids.length > 1) return false;
      await clock.advance(msOfEach);
      return true;
    },
    keepOnly: async (_: unknown, ids: readonly string[]) => {
      kept = ids.length;
    },
  };
  const ids = many(objects, objectId);
  const git = { run: async () => ids.map((each) => `${each} commit\n`).join('') };
  const fetch = fetchBy({ git, clock }, {}, quarantine);
  await fetch.keepWhole(ids, false);
  return kept;
}

function fetchBy(parts: object, session: object, quarantine: object): ServerFetch {
  const all = { packLimits: { bytesMax: 1 }, ...parts } as unknown as ServerFetchParts;
  type Others = ConstructorParameters<typeof ServerFetch>;
  return new ServerFetch(all, session as unknown as Others[1], quarantine as unknown as Others[2], signal);
}

type Pack = (wants: readonly string[], haves: readonly string[]) => void;

/** Asks a server for objects; `refs`: these we have. It gives nothing in the end. */
export async function asks(wants: number, refs: number, pack: Pack): Promise<void> {
  using folder = scratchFolder();
  mkdirSync(join(folder.path, 'objects', 'aa'), { recursive: true });
  const session = {
    objectFormat: 'sha1',
    givesById: true,
    pack: async (...asked: Parameters<Pack>) => {
      pack(...asked);
      throw new TypeError('nothing comes');
    },
    refs: async () => [],
  };
  const listed = many(refs, (at) => `${objectId(at)} refs/heads/${at}\n`).join('');
  const fetch = fetchBy({ git: { run: async () => listed } }, session, { gitDir: folder.path });
  type Room = Parameters<ServerFetch['take']>[2];
  await fetch.take(many(wants, objectId), false, {} as Room).catch((error: unknown) => {
    if (!(error instanceof TypeError)) throw error;
  });
}
