import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateRepository, manyRefsShape } from '../../bench/git/generator.js';
import { refsOf } from '../../bench/git/git.js';
import { formatResult, type GitResult } from '../../bench/git/report.js';
import { readSettings } from '../../bench/git/settings.js';

const scenarios = 'push-large,clone-large,many-clones,clone-small,refs,push-commit';

describe('git bench', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures the daemon beside git http-backend, with the real git', async () => {
    const json = join(folder, 'results.json');
    const sizes = ['--megabytes', '1', '--refs', '20', '--rounds', '1', '--clones', '3'];
    const bench = ['--import', 'tsx', 'bench/git/main.ts', '--scenario', scenarios, '--json', json];
    await promisify(execFile)(process.execPath, [...bench, ...sizes], {
      env: { ...process.env, TMPDIR: folder },
    });
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: GitResult[] };
    expect(results.map(({ scenario }) => scenario)).toEqual(scenarios.split(','));
    for (const { figures } of results) {
      expect(figures.map(({ name }) => name).slice(0, 2)).toEqual(['graspd', 'git http-backend']);
      for (const { value } of figures.slice(0, 2)) expect(value).toBeGreaterThan(0);
      for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
    }
    // Whatever it made is gone again.
    expect(readdirSync(folder).filter((name) => !name.startsWith('tsx-'))).toEqual(['results.json']);
  }, 120_000);

  it('measures what one project of five maintainers takes on the disk', async () => {
    const json = join(folder, 'disk.json');
    const bench = ['--import', 'tsx', 'bench/git/main.ts', '--scenario', 'five-maintainers', '--json', json];
    await promisify(execFile)(process.execPath, [...bench, '--megabytes', '2'], {
      env: { ...process.env, TMPDIR: folder },
    });
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: GitResult[] };
    const values = new Map(results[0]?.figures.map(({ name, value }) => [name, value]));
    for (const when of ['after a push', 'after another']) {
      const [once = 0, copies = 0] = ['on the disk', 'as five copies'].map((what) =>
        values.get(`${when}: ${what}`),
      );
      expect(once).toBeGreaterThan(0.6);
      expect(copies).toBeGreaterThan(2.5 * once);
    }
  }, 120_000);

  it('makes the same repository from the same shape', async () => {
    const refs = [];
    for (const name of ['a', 'b']) {
      await generateRepository(join(folder, name), manyRefsShape(12));
      refs.push(await refsOf(join(folder, name)));
    }
    expect(Object.keys(refs[0] ?? {})).toHaveLength(12);
    expect(refs[1]).toEqual(refs[0]);
  });

  it('says of each goal whether it is met', () => {
    const figures = [
      { name: 'clones', value: 0.9, unit: '×', goal: { atLeast: 0.95 } },
      { name: 'grew by', value: 12, unit: 'MB', goal: { atMost: 50 } },
    ] as const;
    const text = formatResult({ scenario: 'clone', about: 'a clone', figures });
    expect(text.split('\n')).toEqual([
      'clone: a clone',
      '  clones   0.90 ×  (goal: at least 0.95; missed)',
      '  grew by  12 MB  (goal: at most 50; met)',
    ]);
  });

  it('refuses a wrong command line', () => {
    expect(() => readSettings(['--megabytes', 'many'])).toThrow('--megabytes takes a whole number');
    expect(readSettings(['--help'])).toBeUndefined();
    expect(readSettings(['--refs', '2_000'])?.refs).toBe(2_000);
  });
});
