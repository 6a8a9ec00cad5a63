import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';

/** `GRASPD_KILLS=100 npx vitest run test/e2e/git-kill.test.ts` is the long mode. */
const kills = Number(process.env.GRASPD_KILLS ?? 5);

const owner = testIdentity(950);
const identifier = 'killed';

/** What was said to a client before the daemon was killed. */
type Said = {
  /** States that were acknowledged, held or stored, in their order, by what `main` is to be. */
  readonly acknowledged: { readonly event: NostrEvent; readonly main: string }[];
  /** How many of them git had said were pushed. */
  pushed: number;
};

it(
  `killed ${kills} times amid pushes, the daemon has refs and events that agree, and loses no OK`,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-git-kill-'));
    await using git = await GitClient.init();
    const random = seededRandom(11);
    const said: Said = { acknowledged: [], pushed: 0 };
    let port: number | undefined;
    /** How long it takes from a state to its promotion. */
    let roundMs = 0;
    try {
      for (let kill = 0; kill <= kills; kill += 1) {
        await using host = await HostingDaemon.start({ directory, ...(port === undefined ? {} : { port }) });
        port = host.daemon.port;
        if (kill === 0) {
          await host.publish(host.announcement(owner, identifier));
          roundMs = await pushedIn(host, git, said);
        } else await checkAgreement(host, git, said);
        if (kill === kills) {
          await checkNothingLost(host, git, said);
          break;
        }
        const killing = setTimeout(() => host.daemon.kill('SIGKILL'), randomInteger(random, 2 * roundMs));
        await pushUntilKilled(host, git, said).catch(() => {});
        await host.daemon.exited;
        clearTimeout(killing);
      }
      expect(said.pushed).toBeGreaterThan(0);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
  60_000 + kills * 10_000,
);

async function pushedIn(host: HostingDaemon, git: GitClient, said: Said): Promise<number> {
  const startMs = performance.now();
  await push(host, git, said);
  return Math.ceil(performance.now() - startMs);
}

async function pushUntilKilled(host: HostingDaemon, git: GitClient, said: Said): Promise<void> {
  for (;;) await push(host, git, said);
}

/** A new commit, its state, and its push; what was said of them is noted. */
async function push(host: HostingDaemon, git: GitClient, said: Said): Promise<void> {
  const main = await git.commit('file', `commit ${Date.now()}`);
  const event = host.state(owner, identifier, { 'refs/heads/main': main });
  await host.publish(event);
  said.acknowledged.push({ event, main });
  const { code } = await git.run('push', '--force', host.urlOf(owner, identifier), 'main');
  if (code !== 0) throw new Error('the daemon is gone');
  said.pushed = said.acknowledged.length;
}

/** What is served is, as soon as the start is through, one state no older than the last that was pushed, and refs are what it says. */
async function checkAgreement(host: HostingDaemon, git: GitClient, said: Said): Promise<void> {
  if (said.pushed === 0) return;
  const agreement = async () => {
    const served = await host.served({ kinds: [30618], authors: [owner.pubkey] });
    const index = said.acknowledged.findIndex(({ event }) => event.id === served[0]);
    const refs = await git.ok('ls-remote', host.urlOf(owner, identifier), 'refs/heads/main');
    return index >= said.pushed - 1 && refs.split('\t')[0] === said.acknowledged[index]?.main;
  };
  await expect.poll(agreement, { timeout: 10_000 }).toBe(true);
}

/** The last state that was acknowledged is still waited for, or served. */
async function checkNothingLost(host: HostingDaemon, git: GitClient, said: Said): Promise<void> {
  const last = said.acknowledged.at(-1);
  if (last === undefined) return;
  await git.ok('push', '--force', host.urlOf(owner, identifier), `${last.main}:refs/heads/main`);
  expect(await host.served({ ids: [last.event.id] })).toEqual([last.event.id]);
}
