import { parseEnv } from 'node:util';
import { OptionsError } from '../options-error.js';
import type { Environment } from './option-sources.js';

/** In the working directory: variables as a shell would set them (`NAME=value`), which the environment overrides. */
export const envFile = '.env';

/** The environment, and below it our variables of the `.env` file where there is one. Throws `OptionsError`. */
export function withEnvFile(environment: Environment, readFile: (path: string) => string): Environment {
  const ours = Object.entries(parseEnv(readEnvFile(readFile))).filter(([name]) => name.startsWith('NGIT_'));
  return { ...Object.fromEntries(ours), ...environment };
}

function readEnvFile(readFile: (path: string) => string): string {
  try {
    return readFile(envFile);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (why === 'ENOENT') return '';
    throw new OptionsError(`the file '${envFile}' cannot be read: ${why}`);
  }
}
