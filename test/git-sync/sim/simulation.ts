import { minuteMs } from '../../../src/lib/clock.js';
import { type Random, seededRandom } from '../../../src/lib/random.js';
import { between, chance, fork, pick, sample } from '../../sim/random.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { Life } from './life.js';
import type { SimRepository } from './repository.js';
import { Story } from './story.js';
import { faultMs, World } from './world.js';

/** How a seed went: what was found wrong, and some figures. */
export type GitSimOutcome = {
  readonly seed: number;
  readonly failures: readonly string[];
  readonly fetches: number;
  readonly objects: number;
};

/** When the last states are published, after the faults, and by when they have to be here. */
const lateMs = 30 * minuteMs;
const lateMsMax = 15 * minuteMs;
/** By when everything has to be here, and by when also what servers have that sent more than is taken before. */
const completeMs = 60 * minuteMs;
const askedAgainMs = 25 * 60 * minuteMs;
const failuresMax = 20;

/** Runs the world of a seed to its end; the same seed does the same each time. */
export async function simulateGitSync(seed: number): Promise<GitSimOutcome> {
  return await new GitSimulation(seed).run();
}

class GitSimulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #failures = new Set<string>();
  readonly #world: World;
  readonly #story: Story;
  #life: Life;
  #fetches = 0;
  #isEnding = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#world = new World(fork(this.#random));
    this.#story = new Story(this.#world, this.#clock, (repository, delayMs, isOfMaintainers) => {
      if (repository.isServed) this.#life.sync.mayLack(repository.id, delayMs, isOfMaintainers);
    });
    this.#life = this.#newLife();
  }

  async run(): Promise<GitSimOutcome> {
    const repositories = [...this.#world.repositories.values()];
    for (const repository of repositories) this.#story.plan(repository, fork(this.#random));
    this.#planOurs(repositories);
    this.#checkRests();
    await this.#clock.advance(faultMs);
    this.#world.faultsOn = false;
    await this.#clock.advance(lateMs);
    const late = this.#publishLate(repositories);
    await this.#clock.advance(lateMsMax);
    for (const [repository, objectIds] of late)
      if (objectIds.some((objectId) => !repository.disk.has(objectId)))
        this.#report(`${repository.name} lacks after a quarter of an hour what a state names`);
    await this.#clock.advance(completeMs - lateMs - lateMsMax);
    for (const { what, wasTooMuch } of this.#lacking())
      if (!wasTooMuch) this.#report(`${what} after an hour`);
    if (this.#lacking().length > 0) await this.#clock.advance(askedAgainMs - completeMs);
    for (const { what } of this.#lacking()) this.#report(`${what} after a day`);
    this.#isEnding = true;
    await this.#clock.advance(minuteMs);
    await this.#endLife();
    if (this.#clock.timers > 0) this.#report(`${this.#clock.timers} timers are left`);
    let objects = 0;
    for (const { disk } of repositories) objects += disk.size;
    return { seed: this.#seed, failures: [...this.#failures], fetches: this.#fetches, objects };
  }

  /** Again and again, until the end. */
  #checkRests(): void {
    this.#life.checkRests();
    if (!this.#isEnding) this.#clock.after(minuteMs, () => this.#checkRests());
  }

  /** What becomes of us while the faults last: we are killed, have no room, and repositories go and come back. */
  #planOurs(repositories: readonly SimRepository[]): void {
    const random = fork(this.#random);
    const at = (act: () => void) => this.#clock.after(between(random, 0, faultMs), act);
    for (let kills = between(random, 0, 3); kills > 0; kills--) at(() => void this.#restart());
    if (chance(random, 0.2)) at(() => this.#refuse(between(random, 1, 30) * minuteMs));
    for (const repository of sample(random, repositories, between(random, 0, 2))) {
      const awayMs = between(random, 1, 20) * minuteMs;
      at(() => {
        repository.isServed = false;
        this.#clock.after(awayMs, () => {
          repository.isServed = true;
          repository.namedAt.push(this.#clock.monotonic());
          this.#life.sync.lacks(repository.id);
        });
      });
    }
  }

  #refuse(ms: number): void {
    const life = this.#life;
    life.refusal = 'the disk is full';
    this.#clock.after(ms, () => {
      life.refusal = undefined;
    });
  }

  #newLife(): Life {
    const [clock, world] = [this.#clock, this.#world];
    return new Life({ clock, world, random: fork(this.#random), report: (what) => this.#report(what) });
  }

  async #restart(): Promise<void> {
    const ended = this.#endLife();
    this.#life = this.#newLife();
    this.#life.begin();
    await ended;
  }

  async #endLife(): Promise<void> {
    this.#fetches += this.#life.fetches;
    await this.#life.end();
  }

  /** States whose data an announced server has that is well: nothing that anybody proposes may hold them up. */
  #publishLate(repositories: readonly SimRepository[]): Map<SimRepository, readonly string[]> {
    const random = fork(this.#random);
    const late = new Map<SimRepository, readonly string[]>();
    const good = repositories.filter(({ isHostile, isServed }) => !isHostile && isServed);
    for (const repository of sample(random, good, 3)) {
      const well = repository.clone.filter((url) => this.#isWell(repository, url));
      if (well.length === 0) continue;
      late.set(repository, this.#story.state(repository, random, [pick(random, well)]));
    }
    return late;
  }

  #isWell(repository: SimRepository, url: string): boolean {
    const there = this.#world.at(url);
    if (there === undefined || there.host.isDead || there.host.isHostile) return false;
    return !this.#life.audit.isDistrusted(repository, false, url);
  }

  /** What lacks here and servers have that mean no harm; `wasTooMuch`: these sent more than is taken the last time. */
  #lacking(): { readonly what: string; readonly wasTooMuch: boolean }[] {
    const repositories = [...this.#world.repositories.values()].filter(({ isHostile }) => !isHostile);
    return repositories.flatMap((repository) =>
      repository.missing().flatMap(({ objectId, pullRequestIds, clones }) => {
        const isProposal = pullRequestIds.length > 0;
        const having = [...repository.clone, ...clones.flat()].filter((url) =>
          this.#world.gives(url, objectId),
        );
        const due = having.find((url) => !this.#life.audit.wasTooMuch(repository, isProposal, url));
        const [first = due] = having;
        if (first === undefined) return [];
        const what = `${repository.name} lacks ${objectId.slice(0, 8)}, which ${due ?? first} has,`;
        return [{ what, wasTooMuch: due === undefined }];
      }),
    );
  }

  #report(what: string): void {
    if (this.#failures.size < failuresMax) this.#failures.add(what);
  }
}
