/** Writes the generated pages, as `docs/configuration.md`, into `docs` and `deploy`: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.js';

for (const [path, text] of await generatedPages()) writeFileSync(path, text);
