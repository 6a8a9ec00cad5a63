import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { Hosting } from '../support/hosting.js';

const owner = testIdentity(1);
const identifier = 'grows';

it('a repository takes no push beyond --repository-max-mb, says why, and is served on', async () => {
  await using hosting = await Hosting.start({ flags: ['--repository-max-mb', '1'] });
  await using client = await GitClient.init();
  const url = hosting.urlOf(owner, identifier);
  await hosting.publish(hosting.announcement(owner, identifier));
  const push = async (kilobytes: number) => {
    const commit = await client.commit('file', randomBytes(kilobytes * 1_000).toString('base64'));
    await hosting.publish(hosting.state(owner, identifier, { 'refs/heads/main': commit }));
    return await client.run('push', url, 'HEAD:main');
  };
  expect(await push(700)).toMatchObject({ code: 0 });
  const tooLarge = await push(700);
  expect(tooLarge.code).toBe(1);
  expect(tooLarge.stderr).toMatch(
    /\[remote rejected\] HEAD -> main \(the repository has no room: one may take 1 MB on this server \(--repository-max-mb\)\)/,
  );
  expect(await hosting.service.metric('ngit_git_repositories_bytes')).toBeGreaterThan(700_000);
  await client.ok('clone', '--quiet', url, 'again');
});
