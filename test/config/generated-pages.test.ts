import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedPages } from '../../.ci/generated-pages.js';
import { limitsPage, watchedLimits } from '../../.ci/limits-page.js';

test.each([...(await generatedPages())])('%s is what the source says (npm run docs)', (path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('the limits page lists a limit with its value and its comment', () => {
  const source =
    'export const limits = {\n  // One\n  /** Most\n   * things. */\n  thingsMax: 5_000,\n} as const;';
  const page = (watched: readonly string[]) => limitsPage(source, { thingsMax: 5_000 }, new Set(watched));
  expect(page([])).toContain('| `thingsMax` | 5,000 | Most things. |  |');
  expect(page(['thingsMax'])).toContain('| `thingsMax` | 5,000 | Most things. | yes |');
});

test('a limit is watched whose use is noted in the source', () => {
  const text =
    "if (exceeds('aMax', a) || reaches(\n'bMax', b)) noteUse('cMax', c); { of: 'eMax' }; limits.dMax";
  expect([...watchedLimits([text])]).toEqual(['aMax', 'bMax', 'cMax', 'eMax']);
});

test('a limit without a comment stops the generator', () => {
  const source = 'export const limits = {\n  // One\n  thingsMax: 5,\n} as const;';
  expect(() => limitsPage(source, { thingsMax: 5 }, new Set())).toThrow('thingsMax has no doc comment');
});

test('the metrics that limits are said to be shown by exist', () => {
  const shown = [...readFileSync('docs/limits.md', 'utf8').matchAll(/Shown by `(\w+)`/g)].map(
    ([, name]) => name,
  );
  const metrics = readFileSync('docs/metrics.md', 'utf8');
  expect(shown).not.toEqual([]);
  for (const name of shown) expect(metrics, name).toContain(`| \`${name}\` |`);
});
