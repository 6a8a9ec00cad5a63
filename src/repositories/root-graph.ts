import { reaches } from '../config/limit-use.js';
import { Links } from '../lib/collections/links.js';
import { append } from '../lib/collections/lists.js';
import { NumberColumn } from '../lib/collections/number-column.js';
import type { NostrEvent } from '../nostr/event.js';
import { referencesOf } from '../nostr/repository.js';
import { AddressNumbers, IdNumbers, type Numbers } from '../store/name-numbers.js';

/** Is told of every change, by the numbers of roots and repositories, when it has been made. */
export type RootObserver = {
  /** The root belongs to the repository from now on. */
  joined(root: number, repository: number): void;
  /** It does no longer. */
  left(root: number, repository: number): void;
  /** It belongs to no repository from now on. */
  orphaned(root: number): void;
  /** It belongs to no repository no longer: to one, or it is gone. */
  adopted(root: number): void;
  /** It is gone. */
  removed(root: number): void;
};

/**
 * Which stored roots (patches, pull requests, issues) belong to which announced repositories: to those that their tags
 * name and to those of the roots that they refer to. Kept by what comes and goes, in whatever order.
 *
 * There may be hundreds of thousands of roots, so ids and addresses are numbers, and what is known of a root is how
 * its number is linked: about 130 bytes each.
 */
export class RootGraph {
  readonly #observer: RootObserver;
  /** Ids of roots, and of what roots refer to. */
  readonly #ids = new IdNumbers();
  /** Addresses of repositories, and those that roots refer to. */
  readonly #addresses = new AddressNumbers();
  readonly #repositories = new Set<number>();
  /** 1 for the ids of roots that were taken in. */
  readonly #isRoot = new NumberColumn();
  /** Roots, taken in or not, and the addresses that they refer to, stored or not. */
  readonly #references = new Links();
  /** Roots, taken in or not, and the ids that they refer to, stored or not. */
  readonly #parents = new Links();
  /** Roots and the repositories that they belong to, by reference or by way of another root. */
  readonly #homes = new Links();
  /** Roots that have no home. */
  readonly #orphans = new Set<number>();
  #size = 0;

  constructor(observer: RootObserver) {
    this.#observer = observer;
  }

  /** How many roots were taken in. */
  get size(): number {
    return this.#size;
  }

  /** The roots that belong to no repository. */
  get orphans(): ReadonlySet<number> {
    return this.#orphans;
  }

  /** The number of an id, or -1; whether it is that of a root is another question. */
  find(id: string): number {
    return this.#ids.find(id);
  }

  isRoot(number: number): boolean {
    return this.#isRoot.at(number) === 1;
  }

  idOf(root: number): string {
    return this.#ids.nameOf(root);
  }

  /** The number of an address, or -1; whether it is that of a repository is another question. */
  findAddress(address: string): number {
    return this.#addresses.find(address);
  }

  addressOf(repository: number): string {
    return this.#addresses.nameOf(repository);
  }

  /** The roots of a repository, the oldest first. */
  rootsOf(repository: number): IterableIterator<number> {
    return this.#homes.ofRight(repository);
  }

  /** The repositories of a root. */
  repositoriesOf(root: number): IterableIterator<number> {
    return this.#homes.ofLeft(root);
  }

  /** Takes a repository in that was not, with the roots that refer to it; gives its number. */
  addRepository(address: string): number {
    const repository = this.#addresses.hold(address);
    this.#repositories.add(repository);
    for (const root of this.#references.ofRight(repository)) this.#giveHome(root, repository);
    return repository;
  }

  removeRepository(repository: number): void {
    this.#repositories.delete(repository);
    for (const root of this.#homes.ofRight(repository)) {
      this.#leaveHome(root, repository);
      if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
    }
    this.#addresses.release(repository);
  }

  /** Takes a stored root in with what it refers to. */
  addRoot(event: NostrEvent): void {
    const { addresses, ids } = referencesOf(event);
    for (const address of addresses) this.addReference(event.id, address);
    for (const id of ids) this.addParent(event.id, id);
    this.enterRoot(event.id);
  }

  /** Notes that a root refers to an address, before the root is entered or before what has that address is added. */
  addReference(rootId: string, address: string): void {
    link(this.#references, [this.#ids, rootId], [this.#addresses, address]);
  }

  /** Notes that a root refers to an id, before either of the two is entered. */
  addParent(rootId: string, parentId: string): void {
    link(this.#parents, [this.#ids, rootId], [this.#ids, parentId]);
  }

  /** Takes a stored root in, of whose references those are noted that name something stored. */
  enterRoot(rootId: string): void {
    const root = this.#ids.hold(rootId);
    if (this.isRoot(root)) {
      this.#ids.release(root);
      return;
    }
    this.#isRoot.set(root, 1);
    this.#size += 1;
    for (const address of this.#references.ofLeft(root))
      if (this.#repositories.has(address)) this.#giveHome(root, address);
    for (const parent of this.#parents.ofLeft(root))
      for (const repository of this.#homes.ofLeft(parent)) this.#giveHome(root, repository);
    if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
    for (const child of this.#parents.ofRight(root))
      for (const repository of this.#homes.ofLeft(root)) this.#giveHome(child, repository);
  }

  /** Forgets a root that left the store. Ids that were never taken in are ignored. */
  removeRoot(id: string): void {
    const root = this.#ids.find(id);
    if (root < 0) return;
    for (const repository of this.#homes.ofLeft(root)) this.#leaveHome(root, repository);
    this.#leaveOrphans(root);
    this.#observer.removed(root);
    const isRoot = this.isRoot(root);
    this.#isRoot.set(root, 0);
    unlinkAll(this.#references, [this.#ids, root], this.#addresses);
    unlinkAll(this.#parents, [this.#ids, root], this.#ids);
    if (!isRoot) return;
    this.#size -= 1;
    this.#ids.release(root);
  }

  /** Gives a root, and all roots that hang on it, a repository to belong to. */
  #giveHome(first: number, repository: number): void {
    const open = [first];
    for (let root = open.pop(); root !== undefined; root = open.pop()) {
      if (!this.isRoot(root) || this.#homes.has(root, repository)) continue;
      if (reaches('syncRepositoriesPerRootMax', this.#homes.countOfLeft(root))) continue;
      this.#leaveOrphans(root);
      this.#homes.add(root, repository);
      this.#observer.joined(root, repository);
      append(open, this.#parents.ofRight(root));
    }
  }

  #leaveHome(root: number, repository: number): void {
    this.#homes.delete(root, repository);
    this.#observer.left(root, repository);
  }

  #makeOrphan(root: number): void {
    this.#orphans.add(root);
    this.#observer.orphaned(root);
  }

  #leaveOrphans(root: number): void {
    if (this.#orphans.delete(root)) this.#observer.adopted(root);
  }
}

/** Links two names, unless they are or the left one has its share of links; a link holds the numbers of its ends. */
function link(
  links: Links,
  [leftNumbers, leftName]: readonly [Numbers, string],
  [rightNumbers, rightName]: readonly [Numbers, string],
): void {
  const left = leftNumbers.hold(leftName);
  const right = rightNumbers.hold(rightName);
  if (!links.has(left, right) && !reaches('syncReferencesPerRootMax', links.countOfLeft(left))) {
    links.add(left, right);
    return;
  }
  leftNumbers.release(left);
  rightNumbers.release(right);
}

/** Ends the links of a left number. */
function unlinkAll(
  links: Links,
  [leftNumbers, left]: readonly [Numbers, number],
  rightNumbers: Numbers,
): void {
  for (const right of links.ofLeft(left)) {
    links.delete(left, right);
    leftNumbers.release(left);
    rightNumbers.release(right);
  }
}
