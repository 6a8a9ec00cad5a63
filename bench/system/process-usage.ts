import { readFileSync } from 'node:fs';

/** What a process has used since it began. */
export type Usage = {
  readonly process: string;
  readonly cpuSeconds: number;
  /** Of its children that have ended, as git's. */
  readonly childCpuSeconds: number;
  readonly residentBytes: number;
  readonly residentBytesPeak: number;
};

/** Clock ticks of a second in `/proc`: the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
const kibibyte = 1024;

/** Reads the account of a process; `undefined` when it is gone, or where there is no `/proc`. */
export function readUsage(name: string, pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // The second field is the name in parentheses, which may hold anything.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
    const sizeOf = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    return {
      process: name,
      cpuSeconds: (user + system) / ticksPerSecond,
      childCpuSeconds: (childUser + childSystem) / ticksPerSecond,
      residentBytes: sizeOf('VmRSS') * kibibyte,
      residentBytesPeak: sizeOf('VmHWM') * kibibyte,
    };
  } catch {
    return undefined;
  }
}

/** What was used between two readings of the same process; memory as of the later. */
export function usageSince(before: Usage | undefined, after: Usage): Usage {
  return {
    ...after,
    cpuSeconds: after.cpuSeconds - (before?.cpuSeconds ?? 0),
    childCpuSeconds: after.childCpuSeconds - (before?.childCpuSeconds ?? 0),
  };
}

/** What the main thread of a process computed, and waited for a core while it could have, since it began. */
export type ThreadTimes = { readonly computedMs: number; readonly waitedMs: number };

/** Reads that; `undefined` where the system does not tell. */
export function readMainThread(pid: number): ThreadTimes | undefined {
  try {
    const [computed = 0, waited = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    return { computedMs: computed / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return undefined;
  }
}
