import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Identity, npubOf } from '../../../src/nostr/keys.js';
import { importEvents, RelayProcess } from '../../system/relay-process.js';
import { generateRepository, largeShape, type RepositoryShape, smallShape } from '../generator.js';
import { refsOf } from '../git.js';
import { MemoryWatch } from '../memory-watch.js';
import type { GitScenario } from '../scenario.js';
import type { GitWorld } from '../world.js';

const bytesPerMegabyte = 1_000_000;
const stateRefs = 20_000;
const lookMs = 100;

export const restoreScenario: GitScenario = {
  name: 'restore',
  about: 'small repositories that come back from another server after the git folder was lost',
  async run(world) {
    const { repositories } = world.settings;
    await using fetched = await fetchAll(world, 'restore', repositories, { ...smallShape, commits: 5 });
    return [
      {
        name: 'come back in a second',
        value: repositories / fetched.seconds,
        unit: 'repositories/s',
        goal: { atLeast: 30 },
      },
    ];
  },
};

export const largeStateScenario: GitScenario = {
  name: 'large-state',
  about: `one state with ${stateRefs} refs over the large repository, fetched from another server`,
  async run(world) {
    const shape = { ...largeShape(world.settings.megabytes), branches: stateRefs - 1 };
    await using fetched = await fetchAll(world, 'large-state', 1, shape);
    return [
      { name: 'time', value: fetched.seconds, unit: 's' },
      { name: 'event loop delay, longest', value: fetched.lagMs, unit: 'ms', goal: { atMost: 50 } },
      { name: 'resident memory grew by', value: fetched.grownMb, unit: 'MB', goal: { atMost: 50 } },
    ];
  },
};

type Fetched = AsyncDisposable & {
  readonly seconds: number;
  readonly lagMs: number;
  readonly grownMb: number;
};

/** Starts a daemon that knows repositories by their events only, and waits until their objects and refs are all there. */
async function fetchAll(
  world: GitWorld,
  name: string,
  repositories: number,
  shape: RepositoryShape,
): Promise<Fetched> {
  const [template, folder] = [world.emptyFolder(), world.emptyFolder()];
  await generateRepository(template, shape);
  const wanted = await refsOf(template);
  const refs = Object.entries(wanted);
  const owner = Identity.generate();
  const lines: string[] = [];
  const at = Math.floor(Date.now() / 1_000) - 3_600;
  for (let index = 0; index < repositories; index += 1) {
    const identifier = `${name}-${index}`;
    await cp(template, world.rival.pathOf(identifier), { recursive: true });
    const announced = [
      ['d', identifier],
      ['clone', world.rival.urlOf(identifier)],
      ['relays', 'ws://127.0.0.1:1'],
    ];
    const state = [['d', identifier], ...refs, ['HEAD', 'ref: refs/heads/main']];
    for (const [kind, tags] of [
      [30617, announced],
      [30618, state],
    ] as const) {
      lines.push(`${JSON.stringify(owner.sign({ kind, created_at: at, tags, content: '' }))}\n`);
    }
  }
  await importEvents(Readable.from(lines), { folder, signatures: 'system' });
  await rm(join(folder, 'git'), { recursive: true, force: true });
  const flags = { 'git-sync-host-per-minute': '100000', 'sync-allow-private-relays': 'true' };
  const relay = await RelayProcess.start({ name: 'graspd', folder, signatures: 'system', flags });
  await relay.metrics();
  const memory = new MemoryWatch(relay);
  let lag = 0;
  const look = async () => {
    const metric = await relay.metrics();
    lag = Math.max(lag, metric('nodejs_eventloop_lag_max_seconds'));
    return metric;
  };
  for (;;) {
    const metric = await look();
    const isAll = metric('ngit_git_sync_completion_seconds_count') >= repositories;
    if (isAll && metric('ngit_git_sync_incomplete_repositories') === 0) break;
    await sleep(lookMs);
  }
  // Objects are here before the refs follow, which is what takes long with many of them.
  let endedAtMs = relay.startedAtMs;
  for (let index = 0; index < repositories; index += 1) {
    const gitDir = join(folder, 'git', npubOf(owner.pubkey), `${name}-${index}.git`);
    while (!isDeepStrictEqual(await refsOf(gitDir), wanted)) {
      await look();
      await sleep(lookMs);
    }
    endedAtMs = Math.max(endedAtMs, await refsSetAtMs(gitDir));
  }
  await look();
  return {
    seconds: (endedAtMs - relay.startedAtMs) / 1_000,
    lagMs: lag * 1_000,
    grownMb: memory.end() / bytesPerMegabyte,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

/** When refs of a repository were last set: looking at a thousand repositories takes longer than the last ones need. */
async function refsSetAtMs(gitDir: string): Promise<number> {
  const names = ['packed-refs', 'refs/heads/main'];
  const found = await Promise.all(names.map((name) => stat(join(gitDir, name)).catch(() => undefined)));
  return found.reduce((latest, file) => Math.max(latest, file?.mtimeMs ?? 0), 0);
}
