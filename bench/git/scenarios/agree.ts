import { setTimeout as sleep } from 'node:timers/promises';
import { Identity, npubOf } from '../../../src/nostr/keys.js';
import { BenchClient } from '../../system/client.js';
import { RelayProcess } from '../../system/relay-process.js';
import { machineMs } from '../../system/statistics.js';
import { runGit } from '../git.js';
import type { GitScenario } from '../scenario.js';

const main = 'refs/heads/main';
/** Time between two pushes: one address may push 60 times a minute. */
const pauseMs = 1_100;

export const agreeScenario: GitScenario = {
  name: 'agree',
  about: 'two daemons with one repository, pushed to by turns',
  async run(world) {
    const { seconds } = world.settings;
    const owner = Identity.generate();
    const flags = { 'archive-all': 'false', 'git-sync-host-per-minute': '100000' };
    const start = (name: string) =>
      RelayProcess.start({ name, folder: world.emptyFolder(), signatures: 'system', flags });
    await using one = await start('one');
    await using two = await start('two');
    const urls = [one, two].map(({ port }) => `http://127.0.0.1:${port}/${npubOf(owner.pubkey)}/r.git`);
    const clients = await Promise.all([one, two].map(({ url }) => BenchClient.connect(url)));
    let at = Math.floor(Date.now() / 1_000) - 7_200;
    const publish = async (client: BenchClient, kind: number, tags: string[][]) => {
      at += 1;
      const event = JSON.stringify(owner.sign({ kind, created_at: at, tags, content: '' }));
      const answered = new Promise<void>((resolve, reject) => {
        client.onOk = (_, accepted, frame) => (accepted ? resolve() : reject(new Error(frame)));
      });
      client.publish(event);
      await answered;
    };
    const source = world.emptyFolder();
    await runGit(['init', '--quiet', '--bare', source]);
    const tree = (await runGit([`--git-dir=${source}`, 'mktree'])).trim();
    const announced = [
      ['d', 'r'],
      ['clone', ...urls],
      ['relays', one.url, two.url],
    ];
    for (const client of clients) await publish(client, 30617, announced);
    let tip = '';
    const endAt = machineMs() + seconds * 1_000;
    let pushes = 0;
    for (; machineMs() < endAt; pushes += 1) {
      const parent = tip === '' ? [] : ['-p', tip];
      const commit = ['commit-tree', tree, ...parent, '-m', `commit ${pushes}`];
      tip = (await runGit([`--git-dir=${source}`, ...commit])).trim();
      await runGit([`--git-dir=${source}`, 'update-ref', main, tip]);
      // The first goes to both, so that both have promoted the announcement.
      for (const side of pushes === 0 ? [0, 1] : [pushes % 2]) {
        await publish(clients[side] as BenchClient, 30618, [
          ['d', 'r'],
          [main, tip],
          ['HEAD', `ref: ${main}`],
        ]);
        await runGit([`--git-dir=${source}`, 'push', '--quiet', urls[side] as string, main]);
      }
      await sleep(pauseMs);
    }
    const lastAt = machineMs() - pauseMs;
    for (const url of urls) {
      while (!(await runGit(['ls-remote', url, main])).startsWith(tip)) await sleep(50);
    }
    for (const client of clients) await client[Symbol.asyncDispose]();
    return [
      { name: 'pushes in a second', value: pushes / seconds, unit: 'requests/s' },
      {
        name: 'agree after the last push',
        value: (machineMs() - lastAt) / 1_000,
        unit: 's',
        goal: { atMost: 5 },
      },
    ];
  },
};
