import { readFileSync } from 'node:fs';
import { limits } from '../src/config/limits.js';
import { limitsPage } from './limits-page.js';
import { referencePage } from './reference-page.js';

/** The pages that are generated from the source: path (from the root of the repository) and text. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', referencePage()],
    ['docs/limits.md', limitsPage(readFileSync('src/config/limits.ts', 'utf8'), limits)],
  ]);
}
