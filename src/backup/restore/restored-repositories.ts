import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isIdentifier } from '../../config/identifier.js';
import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type BareRepositories, type RepositoryKey, textOf } from '../../git/bare-repositories.js';
import { isAbsence } from '../../git/files.js';
import type { Git } from '../../git/git-command.js';
import { isObjectId } from '../../git/object-id.js';
import { objectsOf } from '../../git/objects/object-folders.js';
import { linkPack, type PackFile, packsIn } from '../../git/objects/pack-files.js';
import { isRefName } from '../../git/ref-name.js';
import { isHex32 } from '../../lib/bytes.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { errorMessage } from '../../lib/errors.js';
import { type ArchiveEntry, boundedTextOf } from '../archive-reader.js';
import { type BackupError, damagedBackup } from '../errors.js';
import { type RepositoryNote, readRepositoryNote } from '../format.js';
import { isLooseObject, isObjectFile, packNameIn } from '../object-files.js';
import { quoted } from '../tar.js';

export type RestoredParts = {
  /** In a folder where nothing else is. */
  readonly repositories: BareRepositories;
  readonly git: Git;
  /** Told in a line for the operator of what is not as it was. */
  readonly warn: (line: string) => void;
};

/** The repository whose entries are being read. */
type Current = {
  readonly number: string;
  readonly key: RepositoryKey;
  readonly gitDir: string;
  readonly note: RepositoryNote;
};

/** In a repository: its refs, which count when all of its objects are there. */
const comingRefs = 'packed-refs.coming';

/** `git/<number>/<path>` */
const entryName = /^git\/([1-9]\d{0,8})\/([a-z0-9/.-]{1,120})$/;

/**
 * Makes the repositories of a backup. No name in the file becomes a path: folders are those of keys and identifiers that were
 * checked, packs and objects have names of hex digits. Git reads each pack from its first to its last byte and makes its
 * index anew, so what comes is what git would have taken from anybody who pushed it. A pack that is damaged, or a repository
 * that lacks something, is told of and costs no other.
 */
export class RestoredRepositories {
  readonly #parts: RestoredParts;
  /** Packs that were restored, by their names in the file. */
  readonly #packs = new Map<string, PackFile>();
  #current: Current | undefined;
  #count = 0;
  #faulty = new Set<string>();

  constructor(parts: RestoredParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  /** Repositories that are not as they were. */
  get faulty(): number {
    return this.#faulty.size;
  }

  /** Takes in an entry below `git/`. Rejects with `BackupError`, or as the disk does. */
  async add(entry: ArchiveEntry): Promise<void> {
    const [, number = '', path = ''] = entryName.exec(entry.name) ?? [];
    if (path === 'repository.json') {
      await this.finish();
      this.#current = await this.#begin(number, entry);
      return;
    }
    const current = this.#current;
    if (current === undefined || current.number !== number) throw misplaced(entry);
    if (path === 'packed-refs') {
      await writeWhole(join(current.gitDir, comingRefs), checkedRefs(entry.content));
      return;
    }
    const object = path.startsWith('objects/') ? path.slice('objects/'.length) : '';
    const pack = packNameIn(object);
    if (pack !== undefined) await this.#addPack(current, pack, object.endsWith('.idx'), entry);
    else if (isLooseObject(object) && entry.type === 'file') {
      await writeWhole(join(objectsOf(current.gitDir), object), entry.content);
    } else throw misplaced(entry);
  }

  /** Ends the repository that is being read: its refs are set when all of its objects are there. */
  async finish(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    const { repositories, git } = this.#parts;
    const { gitDir, key, note } = current;
    await rename(join(gitDir, comingRefs), join(gitDir, 'packed-refs')).catch((error: unknown) => {
      if (!isAbsence(error)) throw error;
    });
    if (note.head !== undefined && isRefName(note.head)) {
      await writeFile(join(gitDir, 'HEAD'), `ref: ${note.head}\n`, { flush: true });
    }
    if (note.closedSinceMs !== undefined) await repositories.close(key, note.closedSinceMs);
    await syncObjects(objectsOf(gitDir));
    await syncFolder(gitDir);
    this.#count += 1;
    // Packs were read when they came: what is left to see is single objects, and that nothing lacks.
    const args = ['fsck', '--no-full', '--no-dangling', '--no-reflogs', '--no-progress'];
    await git.run({ gitDir, args, msMax: limits.restoreGitMsMax }).catch((error: unknown) => {
      this.#warn(current, errorMessage(error));
    });
  }

  async #begin(number: string, entry: ArchiveEntry): Promise<Current> {
    const { note, key } = await noteIn(entry);
    const { repositories } = this.#parts;
    if ((await repositories.ensure(key)) !== 'made') throw damagedBackup(`it has ${textOf(key)} twice`);
    return { number, key, note, gitDir: repositories.pathOf(key) };
  }

  async #addPack(current: Current, name: string, isIndex: boolean, entry: ArchiveEntry): Promise<void> {
    // Made anew: a false index would have git read the pack wrongly.
    if (isIndex) return;
    const folder = join(objectsOf(current.gitDir), 'pack');
    await mkdir(folder, { recursive: true });
    if (entry.type === 'link') {
      const pack = this.#packs.get(entry.linkName);
      if (pack === undefined) {
        if (this.#faulty.size === 0) throw misplaced(entry);
        this.#warn(current, `${name} was damaged before`);
        return;
      }
      if (!(await linkPack(pack, folder))) await copyPack(pack, folder);
      return;
    }
    if (entry.type !== 'file') throw misplaced(entry);
    const path = join(folder, `${name}.pack`);
    await writeWhole(path, entry.content);
    const args = ['index-pack', '--rev-index', path];
    try {
      await this.#parts.git.run({ gitDir: current.gitDir, args, msMax: limits.restoreGitMsMax });
    } catch (error) {
      this.#warn(current, errorMessage(error));
      await rm(path);
      return;
    }
    const pack = (await packsIn(folder)).find((found) => found.name === name);
    if (pack !== undefined) this.#packs.set(entry.name, pack);
  }

  #warn({ key }: Current, why: string): void {
    this.#faulty.add(textOf(key));
    this.#parts.warn(`repository ${quoted(textOf(key))} is not whole: ${why}`);
  }
}

/** Looks at an entry below `git/` as a restore does, and makes nothing of it. Rejects with `BackupError`. */
export async function checkRepositoryEntry(entry: ArchiveEntry): Promise<void> {
  const [, , path = ''] = entryName.exec(entry.name) ?? [];
  if (path === 'repository.json') await noteIn(entry);
  else if (path === 'packed-refs') for await (const _ of checkedRefs(entry.content));
  else if (!path.startsWith('objects/') || !isObjectFile(path.slice('objects/'.length)))
    throw misplaced(entry);
}

async function noteIn(entry: ArchiveEntry): Promise<{ note: RepositoryNote; key: RepositoryKey }> {
  const note = readRepositoryNote(await boundedTextOf(entry, limits.backupNoteBytesMax));
  return { note, key: keyOf(note) };
}

function keyOf({ sort, pubkey, identifier }: RepositoryNote): RepositoryKey {
  if (!isHex32(pubkey) || !isIdentifier(identifier)) throw damagedBackup('a repository has no name');
  return sort === 'prs' ? { signer: pubkey, identifier } : { pubkey, identifier };
}

/** The refs of a repository, each of which has to be one that git takes, as they come: there may be very many. Throws `BackupError`. */
async function* checkedRefs(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of content) {
    const all = Buffer.concat([rest, piece]);
    const end = all.lastIndexOf('\n') + 1;
    rest = all.subarray(end);
    if (exceeds('restoredRefBytesMax', rest.length)) throw damagedBackup('a line of its refs is too long');
    const lines = all.toString('utf8', 0, end);
    checkRefs(lines);
    yield Buffer.from(lines);
  }
  if (rest.length > 0) throw damagedBackup('a line of its refs is none');
}

function checkRefs(text: string): void {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const space = text.indexOf(' ', at);
    if (end === -1 || space === -1 || space > end) throw damagedBackup('a line of its refs is none');
    const [id, name] = [text.slice(at, space), text.slice(space + 1, end)];
    if (!isObjectId(id) || !isRefName(name)) throw damagedBackup(`${quoted(name)} is no ref`);
    at = end + 1;
  }
}

function misplaced({ name }: Pick<ArchiveEntry, 'name'>): BackupError {
  return damagedBackup(`${quoted(name)} has no place in it`);
}

/** Writes a file that is not there, forced to the disk. */
async function writeWhole(path: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o444);
  try {
    for await (const piece of content) await file.appendFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copyPack({ folder, name }: PackFile, to: string): Promise<void> {
  // The index last, for git looks for that.
  for (const suffix of ['.pack', '.idx']) {
    const from = createReadStream(join(folder, `${name}${suffix}`));
    await writeWhole(join(to, `${name}${suffix}`), from);
  }
}

/** Makes the names of packs and objects last; what is in them was forced to the disk when it was written. */
async function syncObjects(objects: string): Promise<void> {
  for (const entry of await readdir(objects, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolder(join(objects, entry.name));
  }
  await syncFolder(objects);
}
