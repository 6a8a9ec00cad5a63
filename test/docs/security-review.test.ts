import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Door, type Place, placesBelow, placesOf } from './doors.js';

/** The sections of the review, by their headings. */
const headings: Readonly<Record<string, Door>> = {
  'Processes, threads and native code': 'process',
  'Arguments of git': 'git',
  Paths: 'path',
  'URLs that are read': 'url',
  Connections: 'network',
};

const textOf = ({ door, file, within }: Place) => `${door} ${file} ${within}`;

/** The places that the tables of the review name, each as often as it does. */
function reviewed(page: string): string[] {
  let door: Door | undefined;
  return page.split('\n').flatMap((line) => {
    if (line.startsWith('## ')) door = headings[line.slice('## '.length)];
    if (door === undefined || !line.startsWith('| `')) return [];
    const [, where = '', ...cells] = line.split('|').map((cell) => cell.trim());
    // What is given, where it comes from, what checks it, and the end.
    expect(cells.length, line).toBe(4);
    for (const cell of cells.slice(0, 3)) expect(cell, line).not.toBe('');
    const [file = '', ...functions] = [...where.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    expect(functions, line).not.toEqual([]);
    return functions.map((within) => textOf({ door: door as Door, file, within }));
  });
}

it('the review names each place where a process is started, a path put together, a URL read or dialled, and no other', () => {
  const page = readFileSync('docs/security-review.md', 'utf8');
  for (const heading of Object.keys(headings)) expect(page).toContain(`\n## ${heading}\n`);
  expect(reviewed(page).sort()).toEqual(placesBelow('src').map(textOf).sort());
});

describe('such a place is found', () => {
  const found = (source: string) =>
    placesOf(source, 'some/file.ts').map(({ door, within }) => `${door} ${within}`);

  it.each([
    [
      "import { spawn as start } from 'node:child_process'; function run(a: string) { start(a); }",
      'process run',
    ],
    ["import { execFile } from 'child_process'; const run = () => execFile('x');", 'process run'],
    ["import { Piscina } from 'piscina'; class A { #b() { new Piscina(); } }", 'process #b'],
    ['async function load(a: string) { await import(a); }', 'process load'],
    ['function run(a: string) { eval(a); }', 'process run'],
    ["import { join } from 'node:path'; class A { b(a: string) { join(this.c, a); } }", 'path b'],
    ["import { resolve } from 'path'; export const f = (a: string) => resolve('x', a);", 'path f'],
    ["import { rm } from 'node:fs/promises'; async function f(a: string) { await rm('x/' + a); }", 'path f'],
    ["import { WebSocket } from 'ws'; function dial(a: URL) { return new WebSocket(a); }", 'network dial'],
    ["import { request } from 'node:https'; const ways = [request];", 'network module'],
    ['function ask(a: string) { return fetch(a); }', 'network ask'],
    ['function read(a: string) { return new URL(a); }', 'url read'],
    ['class A { [Symbol.dispose]() { new URL(this.a); } }', 'url [Symbol.dispose]'],
    ["function list(a: string) { return { args: ['log', a] }; }", 'git list'],
    ["function list(a: string) { const args = ['log', a]; return args; }", 'git list'],
  ])('%s', (source, place) => {
    expect(found(source)).toEqual([place]);
  });

  it.each([
    "import { join } from 'node:path'; const name = 'x'; function f(a: string) { return join(a, 'b', name); }",
    "import { type ChildProcess } from 'node:child_process'; function f(a: ChildProcess) { return a.pid; }",
    "import { WebSocket } from 'ws'; function f(a: WebSocket) { return a.readyState === WebSocket.OPEN; }",
    "import { writeFile } from 'node:fs/promises'; function f(a: string, b: string) { return writeFile(a, b + b); }",
    "function f(a: { fetch(): void }) { a.fetch(); return { args: ['log'] }; }",
  ])('and nothing else: %s', (source) => {
    expect(found(source)).toEqual([]);
  });

  it.each(["import cp from 'node:child_process'", "import * as path from 'node:path'"])(
    'also where it would hide: %s',
    (source) => {
      expect(() => found(source)).toThrow('by its name');
    },
  );
});
