import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parts } from '../torture/parts.js';
import { promises } from '../torture/promise-table.js';
import { isTestThere, namesIn, testFilesOf } from './named-tests.js';

const page = readFileSync('docs/reliability.md', 'utf8');

/** The cells of the table that begins with this line. */
function rowsBelow(header: string): string[][] {
  const lines = page.split('\n');
  const rows: string[][] = [];
  for (const line of lines.slice(lines.indexOf(header) + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

test('the page has each promise of the torture, with tests that exist', () => {
  const rows = rowsBelow('| promise | parts | test |');
  expect(rows.map(([says]) => says)).toEqual(Object.values(promises).map(({ says }) => says));
  const files = testFilesOf(page);
  for (const [says = '', names = '', tests = ''] of rows) {
    for (const { name } of namesIn(names))
      expect(
        parts.map((part) => part.name),
        says,
      ).toContain(name);
    expect(namesIn(tests), says).not.toEqual([]);
    for (const named of namesIn(tests))
      expect(isTestThere(files, named), `${says}: ${named.name}`).toBe(true);
  }
});

test('the page has each part of the torture, with its share of the time', () => {
  const shares = rowsBelow('| part | share | what it does |').map(([name, share]) => [
    name?.replaceAll('`', ''),
    Number(share),
  ]);
  expect(shares).toEqual(parts.map(({ name, share }) => [name, share]));
});
