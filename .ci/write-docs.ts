/** Writes the generated pages, `docs/configuration.md` and `docs/limits.md`: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.js';

for (const [path, text] of generatedPages()) writeFileSync(path, text);
