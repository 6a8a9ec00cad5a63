import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = z
  .object({ name: z.string(), version: z.string(), homepage: z.url().optional() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** Name and version of this program, as its package says. */
export const programName = manifest.name;
export const programVersion = manifest.version;

/** What tells this software from others (NIP-11): the URL of its project, and its name as long as it has none. */
export const programSoftware = manifest.homepage ?? manifest.name;

/** How we name ourselves in every request that we make: some hosts refuse those who do not. */
export const userAgent = `${programName}/${programVersion}`;
