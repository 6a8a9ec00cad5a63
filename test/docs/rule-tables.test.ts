import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const roomPages = readdirSync('docs/rules').map((name) => `docs/rules/${name}`);
const pages = [...roomPages, 'docs/policy.md', 'docs/robustness.md'];

type Row = { readonly rule: string; readonly sources: readonly string[]; readonly tests: readonly Named[] };
/** A test by the label of its file and its name. */
type Named = { readonly label: string; readonly name: string };

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

/** In `[a] x, y; [b] z`, with code quotes around the names, x and y are tests of a, and z is one of b. */
function namesIn(cell: string): Named[] {
  let label = '';
  return [...cell.matchAll(/\[([^\]]+)\]|`([^`]+)`/g)].flatMap((match) => {
    if (match[1] === undefined) return [{ label, name: match[2] ?? '' }];
    label = match[1];
    return [];
  });
}

test.each(pages)('each rule of %s names its code and tests, and they exist', (path) => {
  const page = readFileSync(path, 'utf8');
  const files = new Map(
    [...page.matchAll(/^\[(.+)\]: (?:\.\.\/)+(test\/.+)$/gm)].map(([, label, file]) => [label, file]),
  );
  const rows = rowsOf(page);
  for (const { rule, sources, tests } of rows) {
    expect(sources, rule).not.toEqual([]);
    expect(tests, rule).not.toEqual([]);
    for (const source of sources) expect(existsSync(`src/${source}`), `${rule}: ${source}`).toBe(true);
    for (const { label, name } of tests) {
      const isThere = readFileSync(files.get(label) ?? `[${label}]`, 'utf8').includes(name);
      expect(isThere, `${rule}: [${label}] ${name}`).toBe(true);
    }
  }
});

test.each(pages)('each test file that %s lists is used', (path) => {
  const page = readFileSync(path, 'utf8');
  for (const [, label] of page.matchAll(/^\[(.+)\]: /gm))
    expect(page.split(`[${label}]`).length, label).toBeGreaterThan(2);
});
