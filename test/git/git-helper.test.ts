import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { HelperRequest } from '../../src/git/processes/helper-messages.js';

const built = fileURLToPath(new URL('../../dist/git/processes/git-helper.js', import.meta.url));

/** Has every answer fail as Node does it when the daemon is gone, and says so on standard error. */
const deaf = `
process.send = (message, ...rest) => {
  const told = rest.find((value) => typeof value === 'function');
  const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  process.nextTick(() => (told ? told(error) : process.emit('error', error)));
  process.stderr.write('answered');
};`;

it('the helper is not ended by an answer to a daemon that is just gone, and ends by itself', async () => {
  const helper = fork(built, {
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(deaf)}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const exit = once(helper, 'exit');
  const answered = once(helper.stderr as NodeJS.ReadableStream, 'data');
  const request: HelperRequest = { type: 'run', id: 1, command: { gitDir: '/nowhere', args: ['version'] } };
  helper.send(request);
  await answered;
  helper.disconnect();
  expect(await exit).toEqual([0, null]);
});
