import { secondMs } from '../../lib/clock.js';
import type { HeldLease } from '../../store/opened-store.js';
import type { FollowerReport, NodesReport } from '../../web/status/status-report.js';
import { isoTime } from '../operator/reports.js';
import type { Behind } from './lag.js';
import { shownNodeUrl } from './node-url.js';

/** A follower, as the one that writes or it itself knows of it. */
export type KnownFollower = {
  readonly url: string | undefined;
  /** Since when it is connected to the one that writes, in milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  readonly behind: Behind;
};

/** What the graspd on one database are told to be by one of them. `writerUrl`: as it was given, where it was. */
export function nodesReport(
  role: NodesReport['role'],
  { holder, untilMs }: HeldLease,
  writerUrl: string | undefined,
  followers: Iterable<KnownFollower>,
): NodesReport {
  return {
    role,
    writer: {
      ...(writerUrl === undefined ? {} : { url: shownNodeUrl(writerUrl) }),
      holder,
      until: isoTime(untilMs),
    },
    followers: [...followers].map(followerReport),
  };
}

function followerReport({ url, sinceMs, behind }: KnownFollower): FollowerReport {
  return {
    ...(url === undefined ? {} : { url }),
    ...(sinceMs === undefined ? {} : { connected: isoTime(sinceMs) }),
    behind: { events: behind.events, seconds: behind.ms / secondMs },
  };
}
