import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Git, GitCommand } from '../../src/git/git-command.js';
import { knownTips } from '../../src/git/objects/known-tips.js';
import { readObjectTypes, readRefFiles } from '../../src/git/refs.js';
import { turnsOf } from '../support/turns.js';
import { scratchFolder } from './scratch.js';

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

  it('of refs that it has packed into one file is read in turns', async () => {
    using folder = scratchFolder();
    mkdirSync(join(folder.path, 'refs'));
    writeFileSync(join(folder.path, 'packed-refs'), ids.map((id) => `${id} refs/heads/${id}\n`).join(''));
    const refs = readRefFiles(folder.path);
    expect(await turnsOf(refs)).toBeGreaterThanOrEqual(count / perTurn);
    expect((await refs)?.size).toBe(count);
  });

  it('of refs to leave out is not sorted here', async () => {
    const asked: string[] = [];
    const git = {
      run: async ({ args }: GitCommand) => {
        for (const arg of args) asked.push(arg);
        return '';
      },
    };
    await knownTips(git, '/none');
    expect(asked).toContain('--sort=objectsize');
  });
});
