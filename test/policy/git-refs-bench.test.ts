import { expect, it } from 'vitest';
import { measureGitRefs } from '../../bench/git-refs.js';

it('the bench of states and refs does what it measures', async () => {
  const result = await measureGitRefs(4, 3);
  expect(result.refsSet).toBe(12);
  expect(result.statesPerSecond).toBeGreaterThan(0);
  expect(result.eventLoopDelayMsMax).toBeGreaterThan(0);
});
