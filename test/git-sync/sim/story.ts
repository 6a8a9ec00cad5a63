import { limits } from '../../../src/config/limits.js';
import { type Clock, minuteMs, secondMs } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { between, chance, fork, pick, randomHex, sample } from '../../sim/random.js';
import type { SimRepository } from './repository.js';
import { faultMs, type World } from './world.js';

/** What git data sync is told of an event: as in the daemon. */
export type Tell = (repository: SimRepository, delayMs: number, isOfMaintainers: boolean) => void;

/** What people publish and push while the faults last. */
export class Story {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #tell: Tell;

  constructor(world: World, clock: Clock, tell: Tell) {
    this.#world = world;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Draws what becomes of a repository, and has it happen at its time. */
  plan(repository: SimRepository, random: Random): void {
    const acts = repository.isHostile
      ? [this.#nobodys, this.#nobodys, this.#republish]
      : [
          ...[this.#push, this.#push, this.#push, this.#forcePush, this.#rollback],
          ...[this.#propose, this.#propose, this.#proposeJunk, this.#announce, this.#republish],
        ];
    for (let count = between(random, 1, 5); count > 0; count--) {
      const act = pick(random, acts);
      const own = fork(random);
      this.#clock.after(between(random, 0, faultMs), () => act.call(this, repository, own));
    }
  }

  /** A state names what is at one of these servers; gives what it names. */
  state(repository: SimRepository, random: Random, urls: readonly string[]): readonly string[] {
    const objectIds = newObjects(random);
    for (const url of urls) this.#world.at(url)?.served.push(objectIds);
    this.#follow(repository, objectIds, limits.gitSyncedDelayMs);
    return objectIds;
  }

  /** Somebody pushes to some of the servers, then and when, and perhaps to us; parts of it may be nowhere. */
  #push(repository: SimRepository, random: Random, kept: readonly string[] = repository.states.at(-1) ?? []) {
    const objectIds = [...kept.slice(0, between(random, 0, 2)), ...newObjects(random)];
    for (const url of repository.clone) {
      if (!chance(random, 0.8)) continue;
      const pushed = objectIds.filter(() => chance(random, 0.9));
      this.#later(random, 30 * secondMs, () => this.#world.at(url)?.served.push(pushed));
    }
    if (chance(random, 0.2)) {
      this.#later(random, 3 * minuteMs, () => {
        for (const objectId of objectIds) repository.disk.add(objectId);
      });
    }
    this.#follow(repository, objectIds, delayOf(random));
  }

  #forcePush(repository: SimRepository, random: Random): void {
    this.#push(repository, random, []);
  }

  /** An older state is followed again, of which perhaps nothing ever came. */
  #rollback(repository: SimRepository, random: Random): void {
    if (repository.states.length === 0) return;
    this.#follow(repository, pick(random, repository.states), delayOf(random));
  }

  /** A pull request, whose commit is at a server that it names, or was pushed to those of the repository. */
  #propose(repository: SimRepository, random: Random): void {
    const hosts = sample(random, [...this.#world.hosts.values()], between(random, 0, 3));
    const clone = hosts.map((host) => this.#world.urlAt(host, `fork-of-${repository.name}`));
    const commit = randomHex(random, 40);
    for (const url of chance(random, 0.3) ? repository.clone : clone)
      this.#later(random, minuteMs, () => this.#world.at(url)?.served.push([commit]));
    this.#proposed(repository, random, commit, clone);
  }

  /** A pull request of somebody who means harm: many servers that do not answer, or lie, and a commit that nobody has. */
  #proposeJunk(repository: SimRepository, random: Random): void {
    const hosts = [...this.#world.hosts.values()];
    const hostile = hosts.filter(({ isHostile }) => isHostile);
    const clone = Array.from({ length: 30 }, (_, index) =>
      this.#world.urlAt(pick(random, hostile.length > 0 ? hostile : hosts), `junk-${index}`),
    );
    this.#proposed(repository, random, randomHex(random, 40), clone);
  }

  /** A maintainer announces other servers, to which the newest state was pushed. */
  #announce(repository: SimRepository, random: Random): void {
    const announcement = pick(random, repository.announcements);
    const host = pick(random, this.#world.goodHosts);
    const url = this.#world.urlAt(host, `${repository.name}-new`);
    const kept = announcement.clone.filter(() => chance(random, 0.7));
    announcement.clone = chance(random, 0.5) ? [...kept, url] : [url, ...kept];
    this.#world.at(url)?.served.push(repository.states.at(-1) ?? []);
    this.#named(repository);
    this.#tell(repository, limits.gitSyncedDelayMs, true);
  }

  /** Somebody publishes again and again what names nothing new. */
  #republish(repository: SimRepository, random: Random): void {
    const isOfMaintainers = chance(random, 0.5);
    for (let times = between(random, 5, 60); times > 0; times--) {
      this.#clock.after(times * secondMs, () =>
        this.#tell(repository, limits.gitSyncedDelayMs, isOfMaintainers),
      );
    }
  }

  /** A state names what nobody has. */
  #nobodys(repository: SimRepository, random: Random): void {
    this.#follow(repository, newObjects(random), limits.gitSyncedDelayMs);
  }

  #follow(repository: SimRepository, objectIds: readonly string[], delayMs: number): void {
    repository.states.push(objectIds);
    this.#named(repository);
    this.#tell(repository, delayMs, true);
  }

  #proposed(repository: SimRepository, random: Random, commit: string, clone: readonly string[]): void {
    repository.pullRequests.push({ id: randomHex(random, 64), commit, clone });
    this.#named(repository);
    this.#tell(repository, delayOf(random), false);
  }

  #named(repository: SimRepository): void {
    repository.namedAt.push(this.#clock.monotonic());
  }

  #later(random: Random, msMax: number, act: () => void): void {
    this.#clock.after(between(random, 0, msMax), act);
  }
}

function newObjects(random: Random): string[] {
  return Array.from({ length: between(random, 1, 4) }, () => randomHex(random, 40));
}

/** Some events are synced, others are submitted by those who are about to push. */
function delayOf(random: Random): number {
  return chance(random, 0.3) ? limits.gitSubmittedDelayMs : limits.gitSyncedDelayMs;
}
