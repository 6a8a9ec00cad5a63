import { expect, it } from 'vitest';
import { packBytesOnDisk, writeNoise } from '../git/noise.js';
import { git, refsOf } from '../git/scratch.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { client, has } from './client.js';
import { hostingWorld } from './hosting-world.js';

const main = 'refs/heads/main';
const owners = [1, 2, 3, 4, 5].map(key) as [string, string, string, string, string];
const repositories = owners.map((pubkey) => ({ pubkey, identifier: 'r' }));
const [first] = repositories as [(typeof repositories)[number]];
const bytes = 300_000;

it('one project of five maintainers takes the disk once: what is pushed to one is linked into the others', async () => {
  using mine = client();
  await using world = await hostingWorld();
  for (const owner of owners) await world.hold(announcement(owner, 'r', { maintainers: owners }));
  const gitDirs = repositories.map((repository) => world.pathOf(repository));
  const push = async (tip: string, from?: string) => {
    await world.hold(state(owners[0], 'r', [main, tip]));
    const pack = mine.pack([tip], from === undefined ? [] : [from]);
    const report = await world.push(first, {
      lines: [from === undefined ? [main, tip] : [main, tip, from]],
      pack,
    });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    await world.promotion.ended();
    await world.alignment.idle();
    for (const gitDir of gitDirs) {
      expect(refsOf(gitDir)).toMatchObject({ [main]: tip });
      git(gitDir, ['fsck', '--strict']);
    }
  };
  const one = writeNoise(mine.path, 'one', bytes);
  await push(one);
  const once = packBytesOnDisk(gitDirs.slice(0, 1));
  expect(once).toBeGreaterThan(bytes);
  expect(packBytesOnDisk(gitDirs)).toBe(once);
  expect(world.linkedTo).toEqual(owners.slice(1));
  // What is proposed to one of them is in none of the others, also after the next push.
  const fix = writeNoise(mine.path, 'fix', bytes, [one]);
  const event = pullRequest(owners[4], [address(owners[0], 'r')], [['c', fix]]);
  await world.hold(event);
  await world.push(first, { lines: [[`refs/nostr/${event.id}`, fix]], pack: mine.pack([fix], [one]) });
  const two = writeNoise(mine.path, 'two', bytes, [one]);
  await push(two, one);
  expect(packBytesOnDisk(gitDirs)).toBe(packBytesOnDisk(gitDirs.slice(0, 1)));
  expect(gitDirs.map((gitDir) => has(gitDir, fix))).toEqual([true, false, false, false, false]);
});
