import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/config/options.js';
import { descriptorsFor } from '../../src/daemon/descriptors.js';
import { gitProcessesOf } from '../../src/daemon/settings.js';

const unit = 'deploy/graspd.service';
const analyze = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
};

/** Units are looked at without a systemd that runs since version 250. */
const [, version = '0'] = /^systemd (\d+)/.exec(analyze('--version').text) ?? [];
const canAnalyze = Number(version) >= 250;

/** Ten times what systemd calls the exposure of a service, from 0 to 100: what it has now, and no more. */
const exposureMax = 32;

it('the unit keeps secrets from other users, and out of core dumps', () => {
  const lines = readFileSync(unit, 'utf8').split('\n');
  expect(lines).toEqual(
    expect.arrayContaining(['UMask=0077', 'StateDirectoryMode=0700', 'LimitCORE=0', 'NoNewPrivileges=yes']),
  );
});

it('the unit goes on when the system ends a git that takes too much memory', () => {
  expect(readFileSync(unit, 'utf8').split('\n')).toContain('OOMPolicy=continue');
});

it('the unit allows as many open files as the settings beside it need', () => {
  const numberIn = (file: string, name: string) =>
    Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]);
  // What the unit and the guide say of it.
  const connections = 60_000;
  expect(numberIn('deploy/graspd.env.example', 'NGIT_MAX_CONNECTIONS')).toBeLessThan(connections);
  const options = readOptions({ flags: new Map(), environment: {}, readFile: () => '' });
  const needed = descriptorsFor(connections, options.verifyWorkers, gitProcessesOf(options));
  expect(numberIn(unit, 'LimitNOFILE')).toBeGreaterThanOrEqual(needed);
});

describe.skipIf(!canAnalyze)(
  'the sandbox of the unit (skipped where systemd-analyze is not there, or before 250)',
  () => {
    it('leaves the service no more than it did', () => {
      const { status, text } = analyze(
        'security',
        '--offline=true',
        '--no-pager',
        `--threshold=${exposureMax}`,
        unit,
      );
      expect({ status, text }).toMatchObject({ status: 0 });
      expect(text).toContain('Overall exposure level for graspd.service');
    });

    it.each(['ProtectSystem', 'NoNewPrivileges', 'CapabilityBoundingSet', 'RestrictNamespaces', 'UMask'])(
      'is known to systemd: %s',
      (setting) => {
        const { text } = analyze('security', '--offline=true', '--no-pager', unit);
        const lines = text.split('\n').filter((line) => line.includes(`${setting}=`));
        expect(lines).not.toEqual([]);
        expect(lines.filter((line) => !line.startsWith('✓'))).toEqual([]);
      },
    );
  },
);
