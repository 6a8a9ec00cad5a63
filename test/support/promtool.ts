import { spawnSync } from 'node:child_process';

/** Whether there is `promtool`; Debian has it in the package `prometheus`. */
export const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/** What promtool says. */
export function promtool(args: readonly string[], input = ''): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
  return { code: status, said: stdout + stderr };
}
