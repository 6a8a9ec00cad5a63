import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedPages } from '../../.ci/generated-pages.js';
import { limitsPage } from '../../.ci/limits-page.js';

test.each([...(await generatedPages())])('%s is what the source says (npm run docs)', (path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('the limits page lists a limit with its value and its comment', () => {
  const source =
    'export const limits = {\n  // One\n  /** Most\n   * things. */\n  thingsMax: 5_000,\n} as const;';
  expect(limitsPage(source, { thingsMax: 5_000 })).toContain('| `thingsMax` | 5,000 | Most things. |');
});

test('a limit without a comment stops the generator', () => {
  const source = 'export const limits = {\n  // One\n  thingsMax: 5,\n} as const;';
  expect(() => limitsPage(source, { thingsMax: 5 })).toThrow('thingsMax has no doc comment');
});
