import { expect, test } from 'vitest';
import { ClosingRefusedError } from '../../src/alignment/closing.js';
import { exitCodeOf } from '../../src/commands/exit-code.js';
import { ControlError } from '../../src/control/control-socket.js';
import { StoreError } from '../../src/store/event-store.js';

test.each([
  ['what a daemon refuses', new ControlError('control_refused', ''), 2],
  ['settings that close many repositories', new ClosingRefusedError({ open: 20, closing: 20 }, ''), 2],
  ['a store that cannot be used', new StoreError('store_failed', ''), 3],
  ['no daemon', new ControlError('no_daemon', ''), 4],
  ['a daemon that is busy', new ControlError('control_busy', ''), 4],
  ['all else', new Error('a fault'), 1],
])('%s has the exit code of its class', (_, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
