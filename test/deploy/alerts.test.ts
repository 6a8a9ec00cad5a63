import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const rulesPath = pathOf('../../deploy/prometheus-alerts.yml');
const casesPath = pathOf('./prometheus-alerts.test.yml');
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/** What promtool says; it names each case that does not hold. */
function promtool(...args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

describe('alert rules', () => {
  it('have a case each', () => {
    const namesIn = (path: string, pattern: RegExp) =>
      [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, name]) => name).sort();
    const rules = namesIn(rulesPath, /^ +- alert: (\w+)$/gm);
    expect(rules.length).toBeGreaterThan(0);
    expect(namesIn(casesPath, /^ +- alertname: (\w+)$/gm)).toEqual(rules);
  });

  describe.skipIf(!hasPromtool)(
    'by promtool (skipped where there is none: Debian has it in `prometheus`)',
    () => {
      it('can be read', () => {
        expect(promtool('check', 'rules', rulesPath)).toMatchObject({ code: 0 });
      });

      it('fire when they should, and not otherwise', () => {
        expect(promtool('test', 'rules', casesPath)).toEqual({
          code: 0,
          said: expect.stringContaining('SUCCESS'),
        });
      });
    },
  );
});
