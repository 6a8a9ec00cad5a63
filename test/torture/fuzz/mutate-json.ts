import { type Random, randomInteger } from '../../../src/lib/random.js';

/** Values that are right as JSON and wrong nearly everywhere. */
const hostileValues = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '0.5',
  '65536',
  '9007199254740991',
  '9007199254740993',
  '1e308',
  '1e999',
  '""',
  '"-"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"__proto__"',
  '"constructor"',
  `"${'a'.repeat(64)}"`,
  `"${'A'.repeat(64)}"`,
  `"${'x'.repeat(2_000)}"`,
  '[]',
  '[[]]',
  '[null]',
  '{}',
  '{"toString":1,"valueOf":null}',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"length":-1}',
  `${'['.repeat(70)}${']'.repeat(70)}`,
  `[${'1,'.repeat(300)}1]`,
];
const hostileKeys = [
  '__proto__',
  'constructor',
  'toString',
  'toJSON',
  'length',
  '',
  '#e',
  '#',
  'id',
  'kinds',
  'limit',
  '\u0000',
];

/** Stands for a value that `JSON.stringify` would not write, until the text is made. */
const placeholder = '@placeholder@';

type Parent = unknown[] | Record<string, unknown>;

/** Changes one value or key of a text that is JSON; `undefined` where it is none, or has nothing to be changed. */
export function mutateJson(text: string, random: Random): string | undefined {
  const draw = (below: number) => randomInteger(random, below);
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parents: Parent[] = [];
  collect(tree, parents);
  const parent = parents[draw(parents.length)];
  if (parent === undefined) return undefined;
  const keys = Object.keys(parent);
  const key = keys[draw(keys.length)];
  let raw = hostileValues[draw(hostileValues.length)] as string;
  switch (draw(7)) {
    case 0:
      if (key !== undefined) remove(parent, key);
      break;
    case 1:
      if (Array.isArray(parent)) parent.splice(draw(parent.length + 1), 0, placeholder);
      else define(parent, hostileKeys[draw(hostileKeys.length)] as string, placeholder);
      break;
    case 2:
      if (key !== undefined && !Array.isArray(parent)) {
        define(parent, hostileKeys[draw(hostileKeys.length)] as string, parent[key]);
        if (draw(2) === 0) remove(parent, key);
      } else if (Array.isArray(parent)) parent.reverse();
      break;
    case 3: {
      // The value of one place at another.
      const other = parents[draw(parents.length)] as Parent;
      if (key !== undefined) raw = JSON.stringify(other) ?? raw;
      if (key !== undefined) define(parent, key, placeholder);
      break;
    }
    case 4:
      if (Array.isArray(parent) && parent.length > 0) {
        const item = parent[draw(parent.length)];
        for (let times = 1 << draw(7); times > 0; times -= 1) parent.push(item);
      }
      break;
    default:
      if (key !== undefined) define(parent, key, placeholder);
  }
  return JSON.stringify(tree)?.replace(`"${placeholder}"`, () => raw);
}

function collect(value: unknown, parents: Parent[]): void {
  // What is nested that deeply is refused unread, and there is more to be found elsewhere.
  if (typeof value !== 'object' || value === null || parents.length > 200) return;
  parents.push(value as Parent);
  for (const child of Object.values(value)) collect(child, parents);
}

function remove(parent: Parent, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

/** Sets a value of its own, also for `__proto__`. */
function define(parent: Parent, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}
