/**
 * Checks the import directions of `docs/architecture.md`: a room imports only rooms below it, rooms on one line do
 * not import each other, and only the kernels see WebAssembly. Prints every violation; exits 1 when there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const levels: readonly (readonly string[])[] = [
  ['main.ts'],
  ['commands'],
  ['daemon'],
  ['http', 'relay', 'sync'],
  ['admission'],
  ['policy'],
  ['git', 'store'],
  ['negentropy'],
  ['kernels'],
  ['nostr'],
  ['config', 'lib'],
];
const levelOf = new Map(levels.flatMap((rooms, level) => rooms.map((room) => [room, level] as const)));
const root = 'src';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const roomOf = (path: string): string => relative(root, path).split('/')[0] ?? '';

const violations: string[] = [];
for (const file of filesBelow(root)) {
  const from = roomOf(file);
  const fromLevel = levelOf.get(from);
  if (fromLevel === undefined) {
    violations.push(`${file}: '${from}' is no room of the house`);
    continue;
  }
  const text = readFileSync(file, 'utf8');
  for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) {
    if (specifier === '@assemblyscript/loader' && from !== 'kernels') {
      violations.push(`${file}: only the kernels see WebAssembly`);
    }
    if (!specifier?.startsWith('.')) continue;
    const to = roomOf(normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts'));
    const toLevel = levelOf.get(to);
    if (to === from) continue;
    if (toLevel === undefined) violations.push(`${file}: '${specifier}' leaves the house`);
    else if (toLevel <= fromLevel) violations.push(`${file}: '${from}' must not import '${to}'`);
  }
}
for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exitCode = 1;
