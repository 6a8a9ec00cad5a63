/** Flags of a daemon that does at once what sync otherwise waits for. */
export const quickSync: readonly string[] = [
  '--sync-startup-delay-secs=0',
  '--sync-startup-jitter-ms=50',
  '--sync-reconnect-delay-secs=0',
  '--sync-base-backoff-secs=1',
  '--sync-max-backoff-secs=2',
];

/** The same for one that keeps what it finds of every repository, and takes no push. */
export const quickArchive: readonly string[] = ['--archive-all', ...quickSync];
