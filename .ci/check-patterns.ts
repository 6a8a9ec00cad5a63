/**
 * Checks that every regular expression of `src/` takes time in proportion to its text, whatever stands in that: most
 * texts are a stranger's. Prints every violation; exits 1 when there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSync } from 'recheck';
import { parseAst } from 'vitest/node';

const root = 'src';
const violations: string[] = [];

for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.ts')) continue;
  const path = join(root, name);
  visit(parseAst(readFileSync(path, 'utf8'), { lang: 'ts' }), path);
}
for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exitCode = 1;

/** Looks at a node of the syntax tree and at all below it. */
function visit(node: unknown, path: string): void {
  if (typeof node !== 'object' || node === null) return;
  if ('regex' in node) checkPattern(node.regex as { pattern: string; flags: string }, path);
  const { type, callee } = node as { type?: unknown; callee?: { name?: unknown } };
  if ((type === 'NewExpression' || type === 'CallExpression') && callee?.name === 'RegExp') {
    violations.push(`${path}: a pattern that is put together cannot be checked; write it as a literal`);
  }
  for (const part of Object.values(node)) visit(part, path);
}

function checkPattern({ pattern, flags }: { pattern: string; flags: string }, path: string): void {
  const result = checkSync(pattern, flags);
  if (result.status === 'safe') return;
  const why =
    result.status === 'vulnerable' ? `takes ${result.complexity.summary} time` : 'cannot be checked';
  violations.push(`${path}: /${pattern}/${flags} ${why}`);
}
