import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/config/options.js';
import { OptionsError } from '../../src/config/options-error.js';
import { withEnvFile } from '../../src/config/sources/env-file.js';
import type { Environment } from '../../src/config/sources/option-sources.js';
import { unknownVariables } from '../../src/config/sources/unknown-variables.js';

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

const withFile = (text: string, environment: Environment = {}) => withEnvFile(environment, () => text);

describe('the .env file', () => {
  it('sets variables as a shell would, which the environment overrides', () => {
    const file = '# ours\nNGIT_RELAY_NAME="a name"\nNGIT_LOG_LEVEL=warn\n';
    expect(withFile(file, { NGIT_LOG_LEVEL: 'debug', HOME: '/' })).toEqual({
      NGIT_RELAY_NAME: 'a name',
      NGIT_LOG_LEVEL: 'debug',
      HOME: '/',
    });
  });

  it('sets nothing but ours', () => {
    expect(withFile('PATH=/nowhere\nNODE_OPTIONS=--inspect\n')).toEqual({});
  });

  it('need not be there, but is read where it is', () => {
    expect(withEnvFile({ A: '1' }, failing('ENOENT'))).toEqual({ A: '1' });
    expect(() => withEnvFile({}, failing('EACCES'))).toThrow(OptionsError);
  });
});

describe('variables that are no setting', () => {
  it('are told with the nearest name', () => {
    expect(
      unknownVariables({ NGIT_BIND_ADRESS: 'x', NGIT_RELAY_NAME: 'x', PATH: 'x', NGIT_CONFIG: 'x' }),
    ).toEqual({
      ofNgitGrasp: [],
      misspelt: [{ variable: 'NGIT_BIND_ADRESS', meant: 'NGIT_BIND_ADDRESS' }],
    });
  });

  it('have no nearest name where none is near', () => {
    expect(unknownVariables({ NGIT_WEATHER_FORECAST_OF_TOMORROW: 'x' }).misspelt).toEqual([
      { variable: 'NGIT_WEATHER_FORECAST_OF_TOMORROW', meant: undefined },
    ]);
  });

  it('are listed apart where ngit-grasp has them', () => {
    expect(unknownVariables({ NGIT_METRICS_TOP_N_REPOS: '10' })).toEqual({
      ofNgitGrasp: ['NGIT_METRICS_TOP_N_REPOS'],
      misspelt: [],
    });
  });
});

it('a variable of another server has the same meaning here', () => {
  const allows = (environment: Environment) =>
    readOptions({
      flags: new Map(),
      environment: { NGIT_DOMAIN: 'git.example.org', ...environment },
      readFile: () => '',
    }).syncAllowPrivateRelays;
  expect(allows({})).toBe(false);
  expect(allows({ NGIT_SYNC_ALLOW_NON_GLOBAL_TARGETS: 'true' })).toBe(true);
  expect(
    allows({ NGIT_SYNC_ALLOW_NON_GLOBAL_TARGETS: 'true', NGIT_SYNC_ALLOW_PRIVATE_RELAYS: 'false' }),
  ).toBe(false);
  expect(unknownVariables({ NGIT_SYNC_ALLOW_NON_GLOBAL_TARGETS: 'true' }).misspelt).toEqual([]);
});
