import { reaches } from '../config/limit-use.js';
import { Fifo } from '../lib/collections/fifo.js';
import { Links } from '../lib/collections/links.js';
import { append } from '../lib/collections/lists.js';
import { NumberColumn } from '../lib/collections/number-column.js';
import { SlicedLoop } from '../lib/turns/sliced-loop.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../nostr/event.js';
import { referencesOf } from '../nostr/repository.js';
import { AddressNumbers, IdNumbers, type Numbers } from '../store/name-numbers.js';

/**
 * A repository that came, or a root that belongs to one from now on: `open` has the roots that may belong to it for that, the
 * next one last, as soon as the first was looked at; then a repository that went.
 */
type Task =
  | { readonly type: 'join'; readonly repository: number; open: number[] | undefined }
  | { readonly type: 'leave'; readonly repository: number };

/** Is told of every change, by the numbers of roots and repositories, when it has been made. */
export type RootObserver = {
  /** The root belongs to the repository from now on. */
  joined(root: number, repository: number): void;
  /** It does no longer. */
  left(root: number, repository: number): void;
  /** It belongs to no repository from now on, and is one of `orphans`. */
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
 * its number is linked: about 130 bytes each. What comes or goes with very many of them takes turns: one after the other they
 * join and leave, in the order in which what they follow came and went.
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
  /** Roots that have no home, so many of them. */
  readonly #orphans = new Set<number>();
  readonly #tasks = new Fifo<Task>();
  /** The one that is under way. */
  #task: Task | undefined;
  readonly #working: SlicedLoop;
  #size = 0;

  constructor(observer: RootObserver, turns: WorkTurns) {
    this.#observer = observer;
    this.#working = new SlicedLoop(turns, () => this.#work());
  }

  /** How many roots were taken in. */
  get size(): number {
    return this.#size;
  }

  /** The roots that belong to no repository: a bounded number, for whoever deletes an announcement may leave very many. */
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

  /** The ids of these roots, as `IdNumbers.namesOf`. */
  idsOf(roots: Iterable<number>): IterableIterator<string> {
    return this.#ids.namesOf(roots);
  }

  /** The repositories of a root. */
  repositoriesOf(root: number): IterableIterator<number> {
    return this.#homes.ofLeft(root);
  }

  /** Takes a repository in that was not; the roots that refer to it follow. Gives its number. */
  addRepository(address: string): number {
    const repository = this.#addresses.hold(address);
    this.#repositories.add(repository);
    this.#begin({ type: 'join', repository, open: undefined });
    return repository;
  }

  /** It keeps its number until the last root has left it. */
  removeRepository(repository: number): void {
    this.#repositories.delete(repository);
    this.#begin({ type: 'leave', repository });
  }

  /** Takes a stored root in with what it refers to. */
  addRoot(event: NostrEvent): void {
    const { addresses, ids } = referencesOf(event);
    for (const address of addresses) this.addReference(event.id, address);
    for (const id of ids) this.addParent(event.id, id);
    this.enterRoot(event.id);
  }

  /** Notes that a root refers to an address, whichever of the two is stored. */
  addReference(rootId: string, address: string): void {
    const linked = link(this.#references, [this.#ids, rootId], [this.#addresses, address]);
    if (linked !== undefined) this.#join(linked.left, linked.right);
  }

  /** Notes that a root refers to an id, whichever of the two is stored. */
  addParent(rootId: string, parentId: string): void {
    const linked = link(this.#parents, [this.#ids, rootId], [this.#ids, parentId]);
    if (linked === undefined) return;
    for (const repository of this.#homes.ofLeft(linked.right)) this.#join(linked.left, repository);
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
    for (const address of this.#references.ofLeft(root)) this.#join(root, address);
    for (const parent of this.#parents.ofLeft(root))
      for (const repository of this.#homes.ofLeft(parent)) this.#join(root, repository);
    if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
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

  /** Has a root belong to a repository at once, if it is to; the roots that hang on it follow. */
  #join(root: number, repository: number): void {
    if (!this.#giveHome(root, repository)) return;
    const open = [...this.#parents.ofRight(root)];
    if (open.length > 0) this.#begin({ type: 'join', repository, open });
  }

  #begin(task: Task): void {
    this.#tasks.push(task);
    this.#working.begin();
  }

  /** Has one root join, or leave; whether there is anything to do. */
  #work(): boolean {
    this.#task ??= this.#tasks.shift();
    const task = this.#task;
    if (task === undefined) return false;
    const goesOn = task.type === 'join' ? this.#joinNext(task) : this.#leaveNext(task);
    if (!goesOn) this.#task = undefined;
    return true;
  }

  /** Whether there may be more. */
  #joinNext(task: Task & { readonly type: 'join' }): boolean {
    const { repository } = task;
    // The oldest first.
    task.open ??= [...this.#references.ofRight(repository)].reverse();
    const root = task.open.pop();
    if (root === undefined) return false;
    if (this.#giveHome(root, repository)) append(task.open, this.#parents.ofRight(root));
    return true;
  }

  #leaveNext({ repository }: Task): boolean {
    for (const root of this.#homes.ofRight(repository)) {
      this.#leaveHome(root, repository);
      if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
      return true;
    }
    this.#addresses.release(repository);
    return false;
  }

  /** Gives a root a repository to belong to, if it is to and does not yet; whether that is so. */
  #giveHome(root: number, repository: number): boolean {
    if (!this.isRoot(root) || !this.#repositories.has(repository)) return false;
    if (this.#homes.has(root, repository) || !this.#hangsOn(root, repository)) return false;
    if (reaches('syncRepositoriesPerRootMax', this.#homes.countOfLeft(root))) return false;
    this.#leaveOrphans(root);
    this.#homes.add(root, repository);
    this.#observer.joined(root, repository);
    return true;
  }

  /** Whether a root refers to a repository, or to a root of it: much may have changed since that was said. */
  #hangsOn(root: number, repository: number): boolean {
    if (this.#references.has(root, repository)) return true;
    for (const parent of this.#parents.ofLeft(root)) if (this.#homes.has(parent, repository)) return true;
    return false;
  }

  #leaveHome(root: number, repository: number): void {
    this.#homes.delete(root, repository);
    this.#observer.left(root, repository);
  }

  #makeOrphan(root: number): void {
    if (reaches('syncOrphansMax', this.#orphans.size)) return;
    this.#orphans.add(root);
    this.#observer.orphaned(root);
  }

  #leaveOrphans(root: number): void {
    if (this.#orphans.delete(root)) this.#observer.adopted(root);
  }
}

/**
 * Links two names, unless they are or the left one has its share of links; a link holds the numbers of its ends. Gives these
 * where it is new.
 */
function link(
  links: Links,
  [leftNumbers, leftName]: readonly [Numbers, string],
  [rightNumbers, rightName]: readonly [Numbers, string],
): { readonly left: number; readonly right: number } | undefined {
  const left = leftNumbers.hold(leftName);
  const right = rightNumbers.hold(rightName);
  if (!links.has(left, right) && !reaches('syncReferencesPerRootMax', links.countOfLeft(left))) {
    links.add(left, right);
    return { left, right };
  }
  leftNumbers.release(left);
  rightNumbers.release(right);
  return undefined;
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
