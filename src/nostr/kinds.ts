/** The kinds that have a rule of their own here (NIP-01, 02, 09, 18, 22, 34, 42, 98; GRASP). */
export const kinds = {
  followList: 3,
  deletion: 5,
  repost: 6,
  genericRepost: 16,
  patch: 1617,
  pullRequest: 1618,
  pullRequestUpdate: 1619,
  issue: 1621,
  legacyReply: 1622,
  statusOpen: 1630,
  clientAuthentication: 22242,
  httpAuthentication: 27235,
  userGraspList: 10317,
  repositoryAnnouncement: 30617,
  repositoryState: 30618,
} as const;

/** Kinds whose events are roots: others refer to them by id, and sync asks for those (NIP-34; docs/sync.md). */
export const rootKinds: readonly number[] = [1617, 1618, 1619, 1621, 1622, 1630];

const rootKindSet: ReadonlySet<number> = new Set(rootKinds);

export function isRootKind(kind: number): boolean {
  return rootKindSet.has(kind);
}

/** Only the newest event of each author and kind is kept (NIP-01). */
export function isReplaceableKind(kind: number): boolean {
  return kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000);
}

/** Only the newest event of each author, kind and `d` value is kept (NIP-01). */
export function isAddressableKind(kind: number): boolean {
  return kind >= 30000 && kind < 40000;
}

/** Sent on to those who listen, never stored (NIP-01). */
export function isEphemeralKind(kind: number): boolean {
  return kind >= 20000 && kind < 30000;
}
