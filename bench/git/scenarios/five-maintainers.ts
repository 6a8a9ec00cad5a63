import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../../src/config/limits.js';
import { Identity, npubOf } from '../../../src/nostr/keys.js';
import { BenchClient } from '../../system/client.js';
import { RelayProcess } from '../../system/relay-process.js';
import { diskBytesOf } from '../disk.js';
import { bytesOf, generateRepository, largeShape } from '../generator.js';
import { refsOf, runGit } from '../git.js';
import type { GitFigure, GitScenario } from '../scenario.js';

const main = 'refs/heads/main';
const bytesPerMegabyte = 1_000_000;
/** Of the megabytes of the large repository. */
const share = 0.4;
const lookMs = 50;

export const fiveMaintainersScenario: GitScenario = {
  name: 'five-maintainers',
  about: 'what one project takes on the disk that five maintainers announce, beside five copies',
  async run(world) {
    const shape = largeShape(world.settings.megabytes * share);
    const folder = world.emptyFolder();
    await using relay = await RelayProcess.start({
      name: 'graspd',
      folder,
      signatures: 'system',
      flags: { 'archive-all': 'false' },
    });
    await using client = await BenchClient.connect(relay.url);
    const maintainers = Array.from({ length: 5 }, () => Identity.generate());
    const [owner] = maintainers as [Identity];
    const urlOf = ({ pubkey }: Identity) => `http://127.0.0.1:${relay.port}/${npubOf(pubkey)}/r.git`;
    const gitDirs = maintainers.map(({ pubkey }) => join(folder, 'git', npubOf(pubkey), 'r.git'));
    let at = Math.floor(Date.now() / 1_000) - 3_600;
    const publish = async (who: Identity, kind: number, tags: string[][]) => {
      at += 1;
      const event = JSON.stringify(who.sign({ kind, created_at: at, tags, content: '' }));
      const answered = new Promise<void>((resolve, reject) => {
        client.onOk = (_, accepted, frame) => (accepted ? resolve() : reject(new Error(frame)));
      });
      client.publish(event);
      await answered;
    };
    for (const maintainer of maintainers) {
      await publish(maintainer, 30617, [
        ['d', 'r'],
        ['clone', urlOf(maintainer)],
        ['relays', relay.url],
        ['maintainers', ...maintainers.map(({ pubkey }) => pubkey)],
      ]);
    }
    const source = world.emptyFolder();
    await generateRepository(source, shape);
    /** Pushes a commit to one of them, and waits until all five have it. */
    const push = async (commit: string) => {
      const tip = await runGit([`--git-dir=${source}`, 'rev-parse', commit]);
      await publish(owner, 30618, [
        ['d', 'r'],
        [main, tip],
        ['HEAD', `ref: ${main}`],
      ]);
      await runGit([`--git-dir=${source}`, 'push', '--quiet', urlOf(owner), `${tip}:${main}`]);
      for (const gitDir of gitDirs) while ((await refsOf(gitDir))[main] !== tip) await sleep(lookMs);
    };
    const figures: GitFigure[] = [];
    const measure = async (when: string) => {
      const { once, eachName } = await diskBytesOf(gitDirs);
      figures.push(
        { name: `${when}: on the disk`, value: once / bytesPerMegabyte, unit: 'MB' },
        { name: `${when}: as five copies`, value: eachName / bytesPerMegabyte, unit: 'MB' },
        {
          name: `${when}: copies saved`,
          value: 5 - (5 * once) / eachName,
          unit: '×',
          goal: { atLeast: 3.5 },
        },
      );
    };
    await push(`main~${Math.ceil(shape.commits / 10)}`);
    await measure('after a push');
    await push('main');
    await measure('after another');
    // Smaller ones are not repacked at once.
    if (bytesOf(shape) * 0.9 >= limits.careBitmapBytesMin) {
      const repacked = () => relay.lines.filter(({ msg }) => msg === 'repository repacked').length;
      while (repacked() < gitDirs.length) await sleep(lookMs);
      await measure('after care');
    }
    return figures;
  },
};
