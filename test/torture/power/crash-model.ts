import { basename, dirname } from 'node:path';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import { FileContent } from './file-content.js';
import type { DiskRecord } from './records.js';

/*
 * What a disk may have after a power failure, from all that was done to it.
 *
 * - What was written to a file and not forced (fsync, fdatasync) may be there, or not, or in part: torn at the end of a
 *   sector, or with the length that it got and zeros in it.
 * - Forcing a file or a folder also makes last by which names it is found, up to the root, as ext4, XFS and Btrfs do; LevelDB
 *   counts on that for its logs. Forcing a folder makes all names in it last.
 * - Names that were made, changed or removed since may be so or not, each folder's in order; half of the failures are of a
 *   disk with one journal for all names, as those of ext4 and XFS: what came before something forced is there too.
 */

type Folder = { readonly type: 'folder'; readonly entries: Map<string, Entry> };
type File = { readonly type: 'file'; readonly content: FileContent };
type Entry = Folder | File;

/** A change of names that happens whole or not at all. */
type NameChange = {
  readonly number: number;
  readonly edits: readonly {
    readonly folder: Folder;
    readonly name: string;
    readonly entry: Entry | undefined;
  }[];
};

/** A file or a folder after a power failure. Files that are one with several names are the same object. */
export type LeftEntry =
  | { readonly type: 'folder'; readonly entries: ReadonlyMap<string, LeftEntry> }
  | { readonly type: 'file'; readonly bytes: Buffer };
export type LeftFolder = Extract<LeftEntry, { type: 'folder' }>;

/** A file of a disk as it is: its bytes are on the disk, and so is its name. */
export type FoundFile = { readonly path: string; readonly inode: bigint; readonly bytes: Buffer };

export class CrashModel {
  readonly #path: string;
  /** Names as they are while the machine runs. */
  readonly #now: Folder = { type: 'folder', entries: new Map() };
  /** Names that the disk has for sure, of the same files and folders. */
  readonly #forced = new Map<Folder, Map<string, Entry>>();
  #changes: NameChange[] = [];
  #changeCount = 0;
  /** How many of them a disk with one journal has. */
  #journaled = 0;
  readonly #files = new Map<bigint, File>();
  readonly #syncs = new Map<bigint, { readonly changes: number; readonly contents: number }>();

  /** `folders` and `files` are what the disk has at the beginning, below `path`. */
  constructor(path: string, folders: readonly string[], files: readonly FoundFile[]) {
    this.#path = path;
    for (const folder of folders) this.#begin(folder, { type: 'folder', entries: new Map() });
    for (const { path: at, inode, bytes } of files) {
      const file = this.#files.get(inode) ?? { type: 'file', content: new FileContent(bytes) };
      this.#files.set(inode, file);
      this.#begin(at, file);
    }
  }

  apply(record: DiskRecord): void {
    switch (record.type) {
      case 'create': {
        const file: File = { type: 'file', content: new FileContent() };
        this.#files.set(record.inode, file);
        this.#change([record.path, file]);
        break;
      }
      case 'folder':
        this.#change([record.path, { type: 'folder', entries: new Map() }]);
        break;
      case 'rename':
        // Two names of one file: nothing happens.
        if (this.#at(record.path) === this.#at(record.to)) break;
        this.#change([record.path, undefined], [record.to, this.#at(record.path)]);
        break;
      case 'link':
        this.#change([record.to, this.#at(record.path)]);
        break;
      case 'unlink':
        this.#change([record.path, undefined]);
        break;
      case 'write':
        this.#files.get(record.inode)?.content.write(record.at, record.data);
        break;
      case 'resize':
        this.#files.get(record.inode)?.content.resize(record.size);
        break;
      case 'sync-begin': {
        const contents = this.#files.get(record.inode)?.content.changeCount ?? 0;
        this.#syncs.set(record.which, { changes: this.#changeCount, contents });
        break;
      }
      case 'sync-file':
      case 'sync-folder': {
        const entry = record.type === 'sync-file' ? this.#files.get(record.inode) : this.#at(record.path);
        this.#sync(record.which, entry);
      }
    }
  }

  /** What a power failure right now may leave. */
  afterFailure(random: Random): LeftFolder {
    const chosen = random.next() < 0.5 ? this.#someInOrder(random) : this.#some(random);
    const names = new Map([...this.#forced].map(([folder, entries]) => [folder, new Map(entries)]));
    for (const change of chosen) applyTo(names, change);
    return leftOf(this.#now, names, (file) => file.content.afterFailure(random));
  }

  /** What is there while the machine runs. */
  now(): LeftFolder {
    const names = new Map([...this.#forced].map(([folder, entries]) => [folder, new Map(entries)]));
    for (const change of this.#changes) applyTo(names, change);
    return leftOf(this.#now, names, (file) => file.content.bytes());
  }

  /** All that came before something forced, and some of the rest, up to a moment. */
  #someInOrder(random: Random): NameChange[] {
    const sure = this.#changes.filter(({ number }) => number < this.#journaled).length;
    return this.#changes.slice(0, sure + randomInteger(random, this.#changes.length - sure + 1));
  }

  /** Any changes, but in each folder none after one that is left out. */
  #some(random: Random): NameChange[] {
    const share = random.next();
    const behind = new Set<Folder>();
    return this.#changes.filter(({ edits }) => {
      const isIn = random.next() < share && !edits.some(({ folder }) => behind.has(folder));
      if (!isIn) for (const { folder } of edits) behind.add(folder);
      return isIn;
    });
  }

  #sync(which: bigint, entry: Entry | undefined): void {
    const begun = this.#syncs.get(which);
    this.#syncs.delete(which);
    if (begun === undefined || entry === undefined) return;
    if (entry.type === 'file') entry.content.force(begun.contents);
    this.#journaled = Math.max(this.#journaled, begun.changes);
    this.#forceNames(entry, begun.changes);
  }

  /** Makes last what leads to an entry, all names in it if it is a folder, and what came before in the same folders. */
  #forceNames(entry: Entry, before: number): void {
    const wanted = new Set<Entry>([entry]);
    /** Of each folder, up to which of its changes. */
    const upTo = new Map<Folder, number>(entry.type === 'folder' ? [[entry, before]] : []);
    const chosen = new Set<NameChange>();
    for (let chosenBefore = -1; chosenBefore !== chosen.size; ) {
      chosenBefore = chosen.size;
      // From the newest on, so that mostly one pass finds all.
      for (const change of [...this.#changes].reverse()) {
        const { number, edits } = change;
        if (number >= before || chosen.has(change)) continue;
        const isNeeded = edits.some(
          ({ folder, entry: named }) =>
            number <= (upTo.get(folder) ?? -1) || (named !== undefined && wanted.has(named)),
        );
        if (!isNeeded) continue;
        chosen.add(change);
        for (const { folder } of edits) {
          upTo.set(folder, Math.max(number, upTo.get(folder) ?? -1));
          wanted.add(folder);
        }
      }
    }
    for (const change of this.#changes) if (chosen.has(change)) applyTo(this.#forced, change);
    this.#changes = this.#changes.filter((change) => !chosen.has(change));
  }

  #change(...edits: readonly (readonly [path: string, entry: Entry | undefined])[]): void {
    const found = edits.map(([path, entry]) => ({
      folder: this.#folderOf(path),
      name: basename(path),
      entry,
    }));
    for (const { folder, name, entry } of found) {
      if (entry === undefined) folder.entries.delete(name);
      else folder.entries.set(name, entry);
    }
    this.#changes.push({ number: this.#changeCount, edits: found });
    this.#changeCount += 1;
  }

  #begin(path: string, entry: Entry): void {
    const folder = this.#folderOf(path);
    folder.entries.set(basename(path), entry);
    applyTo(this.#forced, { number: 0, edits: [{ folder, name: basename(path), entry }] });
  }

  #folderOf(path: string): Folder {
    const folder = this.#at(dirname(path));
    if (folder?.type !== 'folder') throw new Error(`${path} is in no folder that is known`);
    return folder;
  }

  #at(path: string): Entry | undefined {
    if (path !== this.#path && !path.startsWith(`${this.#path}/`)) throw new Error(`${path} is elsewhere`);
    const steps = path
      .slice(this.#path.length)
      .split('/')
      .filter((step) => step !== '');
    let entry: Entry | undefined = this.#now;
    for (const step of steps) entry = entry?.type === 'folder' ? entry.entries.get(step) : undefined;
    return entry;
  }
}

function applyTo(names: Map<Folder, Map<string, Entry>>, { edits }: NameChange): void {
  for (const { folder, name, entry } of edits) {
    const entries = names.get(folder) ?? new Map<string, Entry>();
    names.set(folder, entries);
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
}

function leftOf(
  root: Folder,
  names: ReadonlyMap<Folder, ReadonlyMap<string, Entry>>,
  bytesOf: (file: File) => Buffer,
): LeftFolder {
  const files = new Map<File, LeftEntry>();
  const leftFolder = (folder: Folder): LeftFolder => {
    const entries = [...(names.get(folder) ?? [])].map(([name, entry]) => [name, left(entry)] as const);
    return { type: 'folder', entries: new Map(entries) };
  };
  const left = (entry: Entry): LeftEntry => {
    if (entry.type === 'folder') return leftFolder(entry);
    const known = files.get(entry) ?? { type: 'file', bytes: bytesOf(entry) };
    files.set(entry, known);
    return known;
  };
  return leftFolder(root);
}
