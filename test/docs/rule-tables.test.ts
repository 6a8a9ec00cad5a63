import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isTestThere, type NamedTest, namesIn, testFilesOf } from './named-tests.js';

const roomPages = readdirSync('docs/rules').map((name) => `docs/rules/${name}`);
const pages = [...roomPages, 'docs/policy.md', 'docs/robustness.md'];

type Row = {
  readonly rule: string;
  readonly sources: readonly string[];
  readonly tests: readonly NamedTest[];
};

/** The rows of all tables with these three columns. */
function rowsOf(page: string): Row[] {
  let isRuleTable = false;
  return page.split('\n').flatMap((line) => {
    if (line === '| rule | where in the code | test |') isRuleTable = true;
    else if (!line.startsWith('|')) isRuleTable = false;
    else if (isRuleTable && !line.startsWith('|---')) return [rowOf(line)];
    return [];
  });
}

function rowOf(line: string): Row {
  const [, rule = '', where = '', tests = '', ...rest] = line.split('|').map((cell) => cell.trim());
  expect(rest, line).toEqual(['']);
  return {
    rule,
    sources: [...where.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
    tests: namesIn(tests),
  };
}

test.each(pages)('each rule of %s names its code and tests, and they exist', (path) => {
  const page = readFileSync(path, 'utf8');
  const files = testFilesOf(page);
  const rows = rowsOf(page);
  for (const { rule, sources, tests } of rows) {
    expect(sources, rule).not.toEqual([]);
    expect(tests, rule).not.toEqual([]);
    for (const source of sources) expect(existsSync(`src/${source}`), `${rule}: ${source}`).toBe(true);
    for (const named of tests) {
      expect(isTestThere(files, named), `${rule}: [${named.label}] ${named.name}`).toBe(true);
    }
  }
});

test.each([...pages, 'docs/reliability.md'])('each test file that %s lists is used', (path) => {
  const page = readFileSync(path, 'utf8');
  for (const [, label] of page.matchAll(/^\[(.+)\]: /gm))
    expect(page.split(`[${label}]`).length, label).toBeGreaterThan(2);
});
