import { join } from 'node:path';
import { objectsOf } from '../git/objects/object-folders.js';
import { type PackFile, packsIn } from '../git/objects/pack-files.js';
import type { BranchPack } from './branch-pack.js';

/** A branch pack as a repository has it. */
export type HeldBranchPack = BranchPack & {
  /** Which file on the disk it is. */
  readonly file: string;
  readonly bytes: number;
};

type Known = { readonly identifier: string; readonly pack: HeldBranchPack | undefined };

/** Which repositories there are of which identifier, and which of them have the pack of which branches and tags. */
export class BranchPacks {
  /** By folder, as all that follows. */
  readonly #known = new Map<string, Known>();
  readonly #byIdentifier = new Map<string, Set<string>>();
  readonly #byTips = new Map<string, Map<string, HeldBranchPack>>();

  /** Whether no repository has a branch pack. */
  get isEmpty(): boolean {
    return this.#byTips.size === 0;
  }

  /** A repository is there; nothing more is known of it, unless it was looked at before. */
  add(gitDir: string, identifier: string): void {
    if (!this.#known.has(gitDir)) this.set(gitDir, identifier, undefined);
  }

  /** A repository was looked at. */
  set(gitDir: string, identifier: string, pack: HeldBranchPack | undefined): void {
    this.forget(gitDir);
    this.#known.set(gitDir, { identifier, pack });
    const others = this.#byIdentifier.get(identifier) ?? new Set();
    this.#byIdentifier.set(identifier, others.add(gitDir));
    if (pack === undefined) return;
    const packs = this.#byTips.get(pack.tips) ?? new Map();
    this.#byTips.set(pack.tips, packs.set(gitDir, pack));
  }

  /** A repository was removed. */
  forget(gitDir: string): void {
    const known = this.#known.get(gitDir);
    if (known === undefined) return;
    this.#known.delete(gitDir);
    removeFrom(this.#byIdentifier, known.identifier, gitDir);
    if (known.pack !== undefined) removeFrom(this.#byTips, known.pack.tips, gitDir);
  }

  /** Forgets all repositories but these. */
  keepOnly(gitDirs: ReadonlySet<string>): void {
    for (const gitDir of this.#known.keys()) if (!gitDirs.has(gitDir)) this.forget(gitDir);
  }

  /** Whether several repositories have this identifier. */
  hasSeveral(identifier: string): boolean {
    return (this.#byIdentifier.get(identifier)?.size ?? 0) > 1;
  }

  /**
   * The pack that all repositories with these tips are to have, and the folder of one that has it: the smallest, and of
   * several such always the same, so that in the end all have that.
   */
  find(tips: string): { readonly gitDir: string; readonly pack: HeldBranchPack } | undefined {
    let first: { readonly gitDir: string; readonly pack: HeldBranchPack } | undefined;
    for (const [gitDir, pack] of this.#byTips.get(tips) ?? []) {
      if (first === undefined || comesBefore(pack, first.pack)) first = { gitDir, pack };
    }
    return first;
  }

  /** The same pack on the disk, as long as it is there. */
  async fileOf(tips: string): Promise<PackFile | undefined> {
    const held = this.find(tips);
    if (held === undefined) return undefined;
    const packs = await packsIn(join(objectsOf(held.gitDir), 'pack'));
    return packs.find(({ name }) => name === held.pack.name);
  }
}

function comesBefore(a: HeldBranchPack, b: HeldBranchPack): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.file < b.file);
}

type Folders = { readonly size: number; delete(gitDir: string): boolean };

function removeFrom(groups: Map<string, Folders>, key: string, gitDir: string): void {
  const group = groups.get(key);
  group?.delete(gitDir);
  if (group?.size === 0) groups.delete(key);
}
