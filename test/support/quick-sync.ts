/** Flags of a daemon that follows every repository, and does at once what it otherwise waits for. */
export const quickSync: readonly string[] = [
  '--archive-all',
  '--sync-startup-delay-secs=0',
  '--sync-startup-jitter-ms=50',
  '--sync-reconnect-delay-secs=0',
  '--sync-base-backoff-secs=1',
  '--sync-max-backoff-secs=2',
];
