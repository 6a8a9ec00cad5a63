import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LimitName } from '../../src/config/limit-use.js';
import { limits } from '../../src/config/limits.js';
import type { Edge, Entry, Named } from './entry.js';
import { sections, table } from './table.js';

const entries = Object.entries(table) as [LimitName, Entry][];
const edges = entries.flatMap(([name, entry]): [LimitName, Edge][] =>
  'edge' in entry ? [[name, entry.edge]] : [],
);
const named = entries.flatMap(([name, entry]): [LimitName, Named][] => {
  if ('test' in entry) return [[name, entry.test]];
  return 'pace' in entry && entry.pace !== 'nothing more' ? [[name, entry.pace]] : [];
});

test.each(edges)('%s is taken to its edge, and not past it', async (name, edge) => {
  const most = limits[name];
  expect(await edge(most), `${most}`).toBe(true);
  // Past the least there is less.
  const past = name.endsWith('Min') ? most - 1 : most + 1;
  expect(await edge(past), `${past}`).toBe(false);
});

test('the tests that are named exist', () => {
  for (const [name, [file, title]] of named)
    expect(readFileSync(join('test', file), 'utf8').includes(title), `${name}: ${title}`).toBe(true);
});

test('no limit stands in the table twice', () => {
  const names = sections.flatMap((section) => Object.keys(section));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('each limit is asked for somewhere, and by its name', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const source = files
    .filter((name) => name !== join('config', 'limits.ts'))
    .map((name) => readFileSync(join('src', name), 'utf8').replaceAll(/^\s*(?:\/?\*|\/\/).*/gm, ''))
    .join('\n');
  const asked = new Set([...source.matchAll(/\blimits\.(\w+)|'(\w+)'/g)].flatMap(([, ...names]) => names));
  for (const [constants] of source.matchAll(/\{[^{}]*\} = limits;/g))
    for (const [name] of constants.matchAll(/\w+/g)) asked.add(name);
  expect(Object.keys(limits).filter((name) => !asked.has(name))).toEqual([]);
});
