import { join } from 'node:path';
import type { BareRepositories } from '../git/bare-repositories.js';
import { objectsOf } from '../git/objects/object-folders.js';
import { packsIn } from '../git/objects/pack-files.js';

/** A file on the disk: repositories that have one of the same key have one file, by several names (hard links). */
export type CountedFile = { readonly file: string; readonly bytes: number };

/** Which repositories, by their folders, have which files, and so what the disk is spared by files that several have. */
export class SharedFiles {
  readonly #files = new Map<string, { readonly bytes: number; holders: number }>();
  readonly #byHolder = new Map<string, Set<string>>();
  #sparedBytes = 0;

  /** Bytes that all holders would take more if each had files of its own. */
  get sparedBytes(): number {
    return this.#sparedBytes;
  }

  /** Bytes of what a holder has in common with others: what it takes of the disk in addition when it has its own. */
  sharedBytesOf(holder: string): number {
    let bytes = 0;
    for (const file of this.#byHolder.get(holder) ?? []) {
      const known = this.#files.get(file);
      if (known !== undefined && known.holders > 1) bytes += known.bytes;
    }
    return bytes;
  }

  /** These are the files of a holder, as far as they may be shared. */
  set(holder: string, files: readonly CountedFile[]): void {
    this.forget(holder);
    this.add(holder, files);
  }

  /** A holder has these files as well. */
  add(holder: string, files: readonly CountedFile[]): void {
    if (files.length === 0) return;
    const held = this.#byHolder.get(holder) ?? new Set();
    this.#byHolder.set(holder, held);
    for (const { file, bytes } of files) {
      if (held.has(file)) continue;
      held.add(file);
      const known = this.#files.get(file);
      if (known === undefined) this.#files.set(file, { bytes, holders: 1 });
      else {
        known.holders += 1;
        this.#sparedBytes += known.bytes;
      }
    }
  }

  /** A holder is gone. */
  forget(holder: string): void {
    for (const file of this.#byHolder.get(holder) ?? []) {
      const known = this.#files.get(file);
      if (known === undefined) continue;
      known.holders -= 1;
      if (known.holders === 0) this.#files.delete(file);
      else this.#sparedBytes -= known.bytes;
    }
    this.#byHolder.delete(holder);
  }
}

/** Looks at the packs of all repositories for what the disk is spared, in bytes. Rejects with the signal's reason. */
export async function measureShared(
  repositories: Pick<BareRepositories, 'list' | 'pathOf'>,
  signal: AbortSignal,
): Promise<number> {
  const files = new SharedFiles();
  for await (const repository of repositories.list()) {
    signal.throwIfAborted();
    const gitDir = repositories.pathOf(repository);
    files.set(gitDir, await packsIn(join(objectsOf(gitDir), 'pack')));
  }
  return files.sparedBytes;
}
