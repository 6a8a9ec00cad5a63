import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { limits } from '../config/limits.js';
import type { Options } from '../config/options.js';
import { GraspError } from '../lib/errors.js';

/** The process may open too few files; the message is one line for the operator. */
export class DescriptorError extends GraspError {}

/** How the descriptors of the process are divided. */
export type DescriptorShares = {
  /** Most connections of clients. */
  readonly connectionsMax: number;
  /** Most relays of announcements that are connected to. */
  readonly relaysMax: number;
};

/** What connections take that are no WebSockets, or are only told why they are refused. */
const spareConnections = limits.httpSpareConnectionsMax + limits.httpRefusedConnectionsMax;

/**
 * Divides `descriptors`, the most files that the process may open: first what the process, the store, `workers` threads
 * and `gitProcesses` that stream need whatever happens, then a third for other relays, the rest for clients. So the store finds a descriptor
 * however many connections there are. Throws `DescriptorError` when too few are left.
 */
export function descriptorShares(
  descriptors: number,
  workers: number,
  gitProcesses: number,
): DescriptorShares {
  const left = descriptors - ownDescriptors(workers, gitProcesses);
  const relaysMax = Math.min(limits.syncRelaysMax, Math.floor(left / 3 / limits.descriptorsPerRelay));
  const connectionsMax = left - relaysMax * limits.descriptorsPerRelay - spareConnections;
  if (relaysMax < 1 || connectionsMax < limits.connectionsMin) {
    const needed = descriptorsFor(limits.connectionsMin, workers, gitProcesses);
    throw new DescriptorError(
      'descriptors_few',
      `the process may open ${descriptors} files and needs ${needed} or more: raise the limit (ulimit -n, LimitNOFILE of systemd)`,
    );
  }
  return { connectionsMax, relaysMax };
}

/** How many the process has to be allowed for so many connections of clients: other relays have a third, of those they take. */
export function descriptorsFor(connections: number, workers: number, gitProcesses: number): number {
  const all = connections + spareConnections;
  const ofRelays = Math.min(Math.ceil(all / 2), limits.syncRelaysMax * limits.descriptorsPerRelay);
  return ownDescriptors(workers, gitProcesses) + all + ofRelays;
}

/** What the process, the store, threads and git need. */
function ownDescriptors(workers: number, gitProcesses: number): number {
  return (
    limits.descriptorsProcess +
    limits.storeOpenFilesMax +
    limits.descriptorsStoreSpare +
    workers * limits.descriptorsPerWorker +
    gitProcesses * limits.descriptorsPerGitProcess
  );
}

/**
 * The most files that this process may open: the soft limit, to which Node has raised itself as far as it may. Infinity
 * where there is none.
 */
export function descriptorLimit(): number {
  const text = limitsOfLinux();
  const soft =
    text === undefined ? softLimitOfReport() : /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
  const limit = Number(soft);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function limitsOfLinux(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
}

/** What Node's diagnostic report says, on systems that have no `/proc`. */
function softLimitOfReport(): unknown {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  return report.userLimits?.open_files?.soft;
}

/** Says where `limit` open files have no room for the connections that are wanted, and how many have. */
export function warnOfFewDescriptors(
  { maxConnections, verifyWorkers }: Pick<Options, 'maxConnections' | 'verifyWorkers'>,
  gitProcesses: number,
  limit: number,
  logger: Pick<Logger, 'warn'>,
): void {
  if (maxConnections === undefined) return;
  const needed = descriptorsFor(maxConnections, verifyWorkers, gitProcesses);
  if (needed <= limit) return;
  logger.warn(
    { limit, needed, maxConnections },
    "the limit of open files has no room for all clients of --max-connections, and others are refused: raise it to 'needed' (LimitNOFILE of systemd, ulimit -n)",
  );
}
