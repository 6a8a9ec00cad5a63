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
  const own =
    limits.descriptorsProcess +
    limits.storeOpenFilesMax +
    limits.descriptorsStoreSpare +
    workers * limits.descriptorsPerWorker +
    gitProcesses * limits.descriptorsPerGitProcess;
  const left = descriptors - own;
  const relaysMax = Math.min(limits.syncRelaysMax, Math.floor(left / 3 / limits.descriptorsPerRelay));
  const connectionsMax = left - relaysMax * limits.descriptorsPerRelay - spareConnections;
  if (relaysMax < 1 || connectionsMax < limits.connectionsMin) {
    const needed = own + Math.ceil((limits.connectionsMin + spareConnections) * 1.5);
    throw new DescriptorError(
      'descriptors_few',
      `the process may open ${descriptors} files and needs ${needed} or more: raise the limit (ulimit -n, LimitNOFILE of systemd)`,
    );
  }
  return { connectionsMax, relaysMax };
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

/** Says where more connections are wanted than the limit of open files has room for. */
export function warnOfFewDescriptors(
  { maxConnections }: Options,
  { connectionsMax }: DescriptorShares,
  logger: Logger,
): void {
  if (maxConnections === undefined || maxConnections <= connectionsMax) return;
  logger.warn(
    { connectionsMax, maxConnections },
    'the limit of open files has no room for --max-connections; raise it (ulimit -n, LimitNOFILE of systemd)',
  );
}
