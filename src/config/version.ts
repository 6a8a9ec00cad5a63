import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = z
  .object({ name: z.string(), version: z.string(), homepage: z.url().optional() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** Name and version of this program, as its package says. */
export const programName = manifest.name;
export const programVersion = manifest.version;

/** The URL of its project, where it has one. */
export const programHomepage: string | undefined = manifest.homepage;

/** How we name ourselves in every request that we make: some hosts refuse those who do not. */
export const userAgent = `${programName}/${programVersion}`;
