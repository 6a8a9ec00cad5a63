import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';

/**
 * What is done with an argument that a stranger might have a hand in: a process or thread is started or native code
 * loaded, git is given an argument, a path is put together, a URL is read, a connection is made.
 */
export type Door = 'process' | 'git' | 'path' | 'url' | 'network';

/** A place of `src/` where one of these is done, by file and by the function or method that it stands in. */
export type Place = { readonly door: Door; readonly file: string; readonly within: string };

type Node = { readonly type: string; readonly [field: string]: unknown };

/** What leads to a door, by the module that it is imported from. */
const doorsOfModules: Readonly<Record<string, Readonly<Record<string, Door>>>> = {
  'node:worker_threads': { Worker: 'process' },
  'node:net': { connect: 'network', createConnection: 'network' },
  'node:http': { request: 'network', get: 'network' },
  'node:https': { request: 'network', get: 'network' },
  'node:dns': { lookup: 'network' },
  'node:path': { join: 'path', resolve: 'path', normalize: 'path' },
  piscina: { Piscina: 'process' },
  ws: { WebSocket: 'network' },
  'socks-proxy-agent': { SocksProxyAgent: 'network' },
};
/** Modules of which each function is a door. */
const wholeModules: Readonly<Record<string, Door>> = {
  'node:child_process': 'process',
  'node:cluster': 'process',
  'node:vm': 'process',
  'node:dns/promises': 'network',
  'node:dgram': 'network',
  'node:tls': 'network',
  'node:http2': 'network',
};
/** What is there without an import. */
const globalDoors: Readonly<Record<string, Door>> = {
  fetch: 'network',
  EventSource: 'network',
  eval: 'process',
  Function: 'process',
};
/** Rooms that start no git, as `.ci/check-rooms.ts` holds: what is called `args` there is something else. */
const roomsWithoutGit = ['config/', 'git-protocol/'];
const fileSystem = /^(node:)?fs(\/promises)?$/;

/** The places of one source text. */
export function placesOf(source: string, file: string): Place[] {
  const found = new Map<string, Place>();
  const program = parseAst(source, { lang: 'ts' }) as unknown as Node;
  const names = new Map<string, Door>(Object.entries(globalDoors));
  const ofFileSystem = new Set<string>();
  const constants = new Set<string>();
  for (const statement of program.body as Node[]) {
    readImport(statement, names, ofFileSystem, file);
    readConstants(statement, constants);
  }
  visit(program, undefined, undefined);
  return [...found.values()];

  function add(door: Door, within = 'module'): void {
    found.set(`${door} ${within}`, { door, file, within });
  }

  function visit(node: unknown, parent: Node | undefined, within: string | undefined): void {
    if (Array.isArray(node)) {
      for (const one of node) visit(one, parent, within);
      return;
    }
    if (!isNode(node) || node.type === 'ImportDeclaration' || node.type.startsWith('TS')) {
      // Types are no places, but what is said to be of one may be.
      if (isNode(node) && 'expression' in node) visit(node.expression, node, within);
      return;
    }
    const inside = within ?? nameOfFunction(node);
    const door = doorAt(node, parent);
    if (door !== undefined) add(door, within);
    for (const part of Object.values(node)) visit(part, node, inside);
  }

  function doorAt(node: Node, parent: Node | undefined): Door | undefined {
    if (node.type === 'Identifier') {
      const door = names.get(String(node.name));
      return door !== undefined && door !== 'path' && isUsed(node, parent) ? door : undefined;
    }
    if (hasGitArguments(node) && !roomsWithoutGit.some((room) => file.startsWith(room))) return 'git';
    if (node.type === 'NewExpression' && (node.callee as Node).name === 'URL') {
      return isFixed((node.arguments as Node[])[0], constants) ? undefined : 'url';
    }
    if (node.type === 'ImportExpression') return isFixed(node.source, constants) ? undefined : 'process';
    if (node.type !== 'CallExpression') return undefined;
    const callee = node.callee as Node;
    const parts = node.arguments as Node[];
    // Native code.
    if (callee.type === 'MemberExpression') {
      const { object, property } = callee as { object?: Node; property?: Node };
      return object?.name === 'koffi' && property?.name === 'load' ? 'process' : undefined;
    }
    if (callee.type !== 'Identifier') return undefined;
    const name = String(callee.name);
    // What is a fixed name below a folder leads nowhere else.
    if (names.get(name) === 'path')
      return parts.slice(1).every((part) => isFixed(part, constants)) ? undefined : 'path';
    // What is written comes second.
    const paths = parts.slice(0, name.startsWith('write') ? 1 : 2);
    return ofFileSystem.has(name) && paths.some(isPutTogether) ? 'path' : undefined;
  }
}

/** All places of the files below a folder, in the order of their files. */
export function placesBelow(folder: string): Place[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return names.sort().flatMap((name) => placesOf(readFileSync(join(folder, name), 'utf8'), name));
}

function readImport(
  statement: Node,
  names: Map<string, Door>,
  ofFileSystem: Set<string>,
  file: string,
): void {
  if (statement.type !== 'ImportDeclaration' || statement.importKind === 'type') return;
  const module = String((statement.source as Node).value);
  const whole = wholeModules[module] ?? wholeModules[`node:${module}`];
  const doors = doorsOfModules[module] ?? doorsOfModules[`node:${module}`];
  if (whole === undefined && doors === undefined && !fileSystem.test(module)) return;
  for (const specifier of statement.specifiers as Node[]) {
    if (specifier.type !== 'ImportSpecifier')
      throw new Error(`${file}: import what is used of ${module} by its name`);
    if (specifier.importKind === 'type') continue;
    const local = String((specifier.local as Node).name);
    const door = whole ?? doors?.[String((specifier.imported as Node).name)];
    if (door !== undefined) names.set(local, door);
    if (fileSystem.test(module)) ofFileSystem.add(local);
  }
}

/** Names of a file that stand for a fixed text. */
function readConstants(statement: Node, constants: Set<string>): void {
  const declaration = (statement.declaration ?? statement) as Node;
  if (declaration.type !== 'VariableDeclaration') return;
  for (const { id, init } of declaration.declarations as { id: Node; init: Node | null }[]) {
    if (init?.type === 'Literal') constants.add(String(id.name));
  }
}

function isFixed(node: unknown, constants: ReadonlySet<string>): boolean {
  if (!isNode(node)) return false;
  return node.type === 'Literal' || (node.type === 'Identifier' && constants.has(String(node.name)));
}

/** A list of arguments, called `args`, with anything in it that is not written out there. */
function hasGitArguments(node: Node): boolean {
  const { key, id, value, init } = node as { key?: Node; id?: Node; value?: unknown; init?: unknown };
  if (node.type !== 'Property' && node.type !== 'VariableDeclarator') return false;
  const list = value ?? init;
  if ((key ?? id)?.name !== 'args' || !isNode(list) || list.type !== 'ArrayExpression') return false;
  return (list.elements as Node[]).some(({ type }) => type !== 'Literal');
}

function isPutTogether(node: Node): boolean {
  if (node.type === 'TemplateLiteral') return (node.expressions as unknown[]).length > 0;
  return node.type === 'BinaryExpression' && node.operator === '+';
}

/** Whether a name stands for what was imported, and is not that of a property or of something of its own. */
function isUsed(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return true;
  if (String(node.name) in globalDoors) return parent.callee === node;
  if (parent.type === 'MemberExpression') return parent.object === node && node.name !== 'WebSocket';
  if (parent.type === 'Property') return parent.value === node && parent.shorthand !== true;
  return parent.type !== 'MethodDefinition' && parent.type !== 'PropertyDefinition' && parent.id !== node;
}

/** The name of a function or method, if this is one that has a name. */
function nameOfFunction(node: Node): string | undefined {
  if (node.type === 'FunctionDeclaration') return nameOf(node.id);
  if (node.type === 'MethodDefinition') return nameOf(node.key);
  if (node.type !== 'VariableDeclarator') return undefined;
  const { type } = (node.init ?? {}) as { type?: string };
  return type === 'ArrowFunctionExpression' || type === 'FunctionExpression' ? nameOf(node.id) : undefined;
}

function nameOf(key: unknown): string | undefined {
  if (!isNode(key)) return undefined;
  if (key.type === 'MemberExpression') return `[Symbol.${nameOf(key.property)}]`;
  if (typeof key.name !== 'string') return undefined;
  return key.type === 'PrivateIdentifier' ? `#${key.name}` : key.name;
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}
