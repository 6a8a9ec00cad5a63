import type { MissingObject } from '../../../src/git-sync/missing-objects.js';
import type { RepositoryId } from '../../../src/repositories/repository-directory.js';

/** Where one maintainer announces that a repository is. */
export type SimAnnouncement = { clone: readonly string[]; readonly relays: readonly string[] };

export type SimPullRequest = {
  readonly id: string;
  readonly commit: string;
  readonly clone: readonly string[];
};

/** A repository here: what its events name, and what is on our disk. */
export class SimRepository {
  readonly id: RepositoryId;
  /** Whether its owner means harm: nothing has to come of it. */
  readonly isHostile: boolean;
  /** The owner's, and those of other maintainers. */
  readonly announcements: SimAnnouncement[];
  /** The states that were published, the newest last: that is followed. */
  readonly states: (readonly string[])[] = [];
  readonly pullRequests: SimPullRequest[] = [];
  readonly disk = new Set<string>();
  isServed = true;
  /** When events named something that was not named before; monotonic. */
  readonly namedAt: number[] = [];

  constructor(id: RepositoryId, isHostile: boolean, announcements: SimAnnouncement[]) {
    this.id = id;
    this.isHostile = isHostile;
    this.announcements = announcements;
  }

  get name(): string {
    return this.id.identifier;
  }

  get clone(): readonly string[] {
    return this.announcements.flatMap(({ clone }) => clone);
  }

  missing(): MissingObject[] {
    const { disk, pullRequests } = this;
    const wanted = new Map<string, MissingObject>();
    for (const objectId of this.states.at(-1) ?? [])
      if (!disk.has(objectId)) wanted.set(objectId, { objectId, pullRequestIds: [], clones: [] });
    for (const { id, commit, clone } of pullRequests) {
      const known = wanted.get(commit);
      if (disk.has(commit) || known?.pullRequestIds.length === 0) continue;
      const pullRequestIds = [...(known?.pullRequestIds ?? []), id];
      wanted.set(commit, { objectId: commit, pullRequestIds, clones: [...(known?.clones ?? []), clone] });
    }
    return [...wanted.values()];
  }
}
