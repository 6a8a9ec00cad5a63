import { expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';

/** In the daemon, files cannot be forced to the disk any more as soon as it is asked to end. */
const hook = `
  import fs from 'node:fs/promises';
  import { syncBuiltinESMExports } from 'node:module';
  let isEnding = false;
  process.on('SIGTERM', () => { isEnding = true; });
  for (const name of ['open', 'writeFile', 'rename']) {
    const real = fs[name];
    fs[name] = (...args) => (isEnding ? new Promise(() => {}) : real(...args));
  }
  syncBuiltinESMExports();`;

it('an end that does not come is one all the same, and says so', async () => {
  await using daemon = await DaemonProcess.start({
    flags: ['--archive-all'],
    environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` },
  });
  daemon.kill('SIGTERM');
  expect(await daemon.exited).toBe(1);
  expect(daemon.output.join('\n')).toContain('the end took longer than 5000 ms');
});
