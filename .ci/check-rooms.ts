/**
 * Checks the import directions of `docs/architecture.md`: a room imports only rooms below it, rooms on one line do
 * not import each other, and only the kernels see WebAssembly; the same of the rooms within `sync`; and that no folder
 * has become too large to look over. Prints every violation; exits 1 when there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const levels: readonly (readonly string[])[] = [
  ['main.ts'],
  ['commands'],
  ['daemon'],
  ['git-http', 'moderation', 'web'],
  ['http', 'relay', 'sync', 'git-sync', 'control'],
  ['backup', 'hosting', 'import'],
  ['admission', 'alignment', 'maintenance'],
  ['policy'],
  ['purgatory'],
  ['repositories'],
  ['git-protocol'],
  ['git', 'network', 'store'],
  ['negentropy'],
  ['kernels'],
  ['nostr'],
  ['config'],
  ['lib'],
];
/** The rooms within `sync`, by folder or, beside these, by file. */
const syncLevels: typeof levels = [
  ['manager.ts'],
  ['relay'],
  ['live', 'catchup'],
  ['fetch'],
  ['peer'],
  ['report', 'hosts'],
  ['topics', 'dial'],
  ['errors.ts', 'held-memory.ts', 'settings.ts'],
];
const filesPerFolderMax = 15;
const root = 'src';

const violations: string[] = [];

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  if (files.length > filesPerFolderMax) {
    violations.push(`${folder}: ${files.length} files in one folder, of ${filesPerFolderMax} at most`);
  }
  return [
    ...entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => filesBelow(join(folder, name))),
    ...files.map(({ name }) => join(folder, name)),
  ];
}

/** Says which imports of the files below a folder go up, or aside. */
function checkDirections(folder: string, rooms: typeof levels): void {
  const levelOf = new Map(rooms.flatMap((names, level) => names.map((name) => [name, level] as const)));
  const roomOf = (path: string): string => relative(folder, path).split('/')[0] ?? '';
  for (const { file, target } of imports) {
    if (relative(folder, file).startsWith('..') || relative(folder, target).startsWith('..')) continue;
    const [from, to] = [roomOf(file), roomOf(target)];
    const [fromLevel, toLevel] = [levelOf.get(from), levelOf.get(to)];
    if (fromLevel === undefined || toLevel === undefined) {
      violations.push(`${file}: '${fromLevel === undefined ? from : to}' is no room of ${folder}`);
    } else if (to !== from && toLevel <= fromLevel) {
      violations.push(`${file}: '${from}' must not import '${to}'`);
    }
  }
}

const imports: { readonly file: string; readonly target: string }[] = [];
for (const file of filesBelow(root)) {
  const text = readFileSync(file, 'utf8');
  for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) {
    if (specifier === '@assemblyscript/loader' && !file.startsWith(join(root, 'kernels/'))) {
      violations.push(`${file}: only the kernels see WebAssembly`);
    }
    if (!specifier?.startsWith('.')) continue;
    const target = normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts');
    if (relative(root, target).startsWith('..')) violations.push(`${file}: '${specifier}' leaves ${root}`);
    imports.push({ file, target });
  }
}
checkDirections(root, levels);
checkDirections(join(root, 'sync'), syncLevels);
for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exitCode = 1;
