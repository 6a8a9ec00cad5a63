import { describe, expect, it } from 'vitest';
import type { Git } from '../../src/git/git-command.js';
import { knownTips } from '../../src/git/objects/known-tips.js';
import { readObjectTypes } from '../../src/git/refs.js';
import { turnsOf } from '../support/turns.js';

const count = 100_000;
/** What one turn of the event loop may read. */
const perTurn = 10_000;
const ids = Array.from({ length: count }, (_, at) => at.toString(16).padStart(40, '0'));

/** A git that answers with a line for each object. */
const gitSaying = (line: (id: string) => string) =>
  ({ run: async () => ids.map((id) => `${line(id)}\n`).join('') }) as unknown as Git;

describe('what git says in very many lines', () => {
  it('of objects is read in turns', async () => {
    const types = readObjectTypes(
      gitSaying((id) => `${id} commit`),
      '/none',
      ids,
    );
    expect(await turnsOf(types)).toBeGreaterThanOrEqual(count / perTurn);
    expect((await types).size).toBe(count);
  });

  it('of refs to leave out is read in turns', async () => {
    const tips = knownTips(
      gitSaying((id) => `${id} 1 refs/heads/${id}`),
      '/none',
    );
    expect(await turnsOf(tips)).toBeGreaterThanOrEqual(count / perTurn);
    expect((await tips).lines).toHaveLength(count);
  });
});
