import { minuteMs } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { relayHost } from '../../../src/nostr/relay-url.js';
import { between, chance, fork, pick, randomHex, sample } from '../../sim/random.js';
import { SimHost } from './host.js';
import { SimRepository } from './repository.js';
import type { ServedRepository } from './served-repository.js';

/** How long hosts and servers fail, and something of ours does. */
export const faultMs = 120 * minuteMs;

/** Our own git server. */
export const ownHost = 'us.example.com';

/** What a URL leads to. */
type Place = { readonly host: SimHost; readonly served: ServedRepository };

/** Hosts with git servers, and repositories here whose data is there. */
export class World {
  readonly hosts = new Map<string, SimHost>();
  readonly repositories = new Map<string, SimRepository>();
  faultsOn = true;
  readonly #places = new Map<string, Place>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    for (let count = between(random, 2, 8); count > 0; count--) this.#addHost(`h${count}`, false);
    for (let count = between(random, 0, 3); count > 0; count--) this.#addHost(`hostile${count}`, true);
    for (let count = between(random, 1, 7); count > 0; count--) this.#addRepository(`r${count}`);
    if (chance(random, 0.03)) this.#addHostileRepositories(between(random, 10, 40));
  }

  /** Hosts that mean no harm. */
  get goodHosts(): SimHost[] {
    return [...this.hosts.values()].filter(({ isHostile }) => !isHostile);
  }

  /** What a URL leads to, where a client of git would be let. */
  at(url: string): Place | undefined {
    const known = this.#places.get(url);
    if (known !== undefined) return known;
    const host = url.startsWith('https:') ? this.hosts.get(relayHost(url)) : undefined;
    if (host === undefined) return undefined;
    const place = { host, served: host.at(new URL(url).pathname) };
    this.#places.set(url, place);
    return place;
  }

  /** Whether somebody who asks there gets the object, once the faults are over. */
  gives(url: string, objectId: string): boolean {
    const there = this.at(url);
    if (there === undefined || !there.served.has(objectId)) return false;
    return !there.host.isDead && !there.host.isHostile && !there.served.isHostile;
  }

  /** A URL of a repository at some host. */
  urlAt({ name }: SimHost, path: string): string {
    return `https://${name}/${path}.git`;
  }

  #addHost(label: string, isHostile: boolean): void {
    const name = `${label}.example.com`;
    this.hosts.set(name, new SimHost(name, isHostile, fork(this.#random)));
  }

  #addRepository(name: string): void {
    const random = this.#random;
    // Maintainers announce different servers; some of these are GRASP servers, some mean harm, and some are ourselves.
    const announcements = Array.from({ length: pick(random, [1, 1, 1, 2, 3]) }, (_, index) => {
      const hosts = sample(random, [...this.hosts.values()], between(random, 1, 4));
      const clone = hosts.map((host) => this.urlAt(host, index === 0 ? name : `${name}-of-${index}`));
      if (chance(random, 0.5)) clone.push(`https://${ownHost}/${name}.git`);
      if (chance(random, 0.2)) clone.unshift('ssh://git@h1.example.com/r', 'not a URL', '');
      return { clone, relays: hosts.slice(0, 1).map((host) => `wss://${host.name}`) };
    });
    const pubkey = `${between(random, 1, 5)}`.repeat(64);
    this.repositories.set(name, new SimRepository({ pubkey, identifier: name }, false, announcements));
  }

  /** One key has many repositories, which name hosts of others. */
  #addHostileRepositories(count: number): void {
    const random = this.#random;
    const pubkey = randomHex(random, 64);
    const hosts = sample(random, this.goodHosts, 2);
    for (let index = 0; index < count; index++) {
      const name = `hostile-${index}`;
      const clone = hosts.map((host) => this.urlAt(host, name));
      this.repositories.set(
        name,
        new SimRepository({ pubkey, identifier: name }, true, [{ clone, relays: [] }]),
      );
    }
  }
}
