import { dirname } from 'node:path';
import type { Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';
import { type CountedFile, SharedFiles } from './shared-files.js';

/** The disk of the repositories. */
export type RepositoryDisk = {
  /** Whether so many bytes may be written to it. */
  hasRoomFor(bytes: number): boolean;
  /** So many bytes are being written to it. */
  take(bytes: number): void;
};

/** A limit in bytes, and what whoever pushes is told when it is met. */
export type DiskLimit = { readonly bytesMax: number; readonly refusal: string };

export type DiskUseSettings = {
  /** Of one repository. */
  readonly repository: DiskLimit;
  /** What whoever pushes is told when only what is spared is left of that. */
  readonly sparedRefusal: string;
  /** Of all repositories that are counted here, together. */
  readonly repositories: DiskLimit;
  readonly disk: RepositoryDisk;
};

/** What the gauges of it are called, and which repositories they are about. */
export type DiskUseGauges = { readonly prefix: string; readonly about: string };

const announcedGauges: DiskUseGauges = { prefix: 'ngit_git', about: 'repositories' };

/** Room for what comes into a repository, taken while it comes; given back when this is disposed of. */
export type Reservation = Disposable & {
  /** Takes room for so many bytes more. Where there is none it takes none, and says why in words for who sends them. */
  take(bytes: number): string | undefined;
};

const diskIsFull = 'the disk of this server is full up to --disk-floor-mb; push again when there is room';

/**
 * What the repositories take on the disk, each by its folder, kept by what comes and goes: nobody walks over files to be
 * told. Until a repository was surveyed, what was in it before counts for nothing. What is still coming counts as well: many
 * that come at once would overshoot all limits otherwise. A file that several repositories have counts for each of them, and
 * once for all together.
 */
export class DiskUse {
  readonly #settings: DiskUseSettings;
  readonly #bytes = new Map<string, number>();
  #total = 0;
  readonly #shared = new SharedFiles();
  /** What is coming, by folder. */
  readonly #coming = new Map<string, number>();
  #comingTotal = 0;
  /** What repositories take with what is coming into them, by the folder that they are in. */
  readonly #byFolder = new Map<string, number>();

  constructor(settings: DiskUseSettings, registry: Registry, { prefix, about } = announcedGauges) {
    this.#settings = settings;
    const gauge = gaugesIn(registry);
    gauge(`${prefix}_repositories_bytes`, `Bytes that all ${about} take on the disk`, () => this.total);
    gauge(
      `${prefix}_shared_bytes`,
      `Bytes that ${about} would take more without the packs that several of them share`,
      () => this.#shared.sparedBytes,
    );
    gauge(`${prefix}_repositories`, `All ${about} on disk whose bytes are counted`, () => this.#bytes.size);
  }

  /** Bytes of all repositories, a file that several have counted once. */
  get total(): number {
    return this.#total - this.#shared.sparedBytes;
  }

  /** Bytes of one repository. */
  bytesOf(gitDir: string): number {
    return this.#bytes.get(gitDir) ?? 0;
  }

  /** The same with what is coming into it. */
  takenBy(gitDir: string): number {
    return this.bytesOf(gitDir) + (this.#coming.get(gitDir) ?? 0);
  }

  /** The same of all repositories in the folder that this one is in, or is to be: those of one key. */
  takenBeside(gitDir: string): number {
    return this.#byFolder.get(dirname(gitDir)) ?? 0;
  }

  /** A repository was measured. */
  set(gitDir: string, bytes: number): void {
    this.#countTotal(gitDir, bytes - this.bytesOf(gitDir));
    this.#bytes.set(gitDir, bytes);
  }

  /** These are the files of a repository that others may have as well, or get: its bytes have them in them. */
  setFiles(gitDir: string, files: readonly CountedFile[]): void {
    this.#shared.set(gitDir, files);
  }

  /** These repositories have these files now; the bytes of each have them in them. */
  share(gitDirs: readonly string[], files: readonly CountedFile[]): void {
    for (const gitDir of gitDirs) this.#shared.add(gitDir, files);
  }

  /** So many bytes came into a repository. */
  add(gitDir: string, bytes: number): void {
    this.set(gitDir, this.bytesOf(gitDir) + bytes);
  }

  /** A repository was removed. */
  forget(gitDir: string): void {
    this.#countTotal(gitDir, -this.bytesOf(gitDir));
    this.#bytes.delete(gitDir);
    this.#shared.forget(gitDir);
  }

  /** Forgets all repositories but these. */
  keepOnly(gitDirs: ReadonlySet<string>): void {
    for (const gitDir of this.#bytes.keys()) if (!gitDirs.has(gitDir)) this.forget(gitDir);
  }

  /** Whether all repositories together have room for it that one no longer shares its files with others. */
  hasRoomForOwn(gitDir: string): boolean {
    const more = this.#shared.sharedBytesOf(gitDir);
    return more === 0 || this.taken + more <= this.#settings.repositories.bytesMax;
  }

  /** Bytes that may still come into a repository, of which so many are spared; none when there is a refusal. */
  roomFor(gitDir: string, sparedBytes = 0): number {
    const { repository, repositories, disk } = this.#settings;
    if (!disk.hasRoomFor(1)) return 0;
    const room = repository.bytesMax - sparedBytes - this.takenBy(gitDir);
    return Math.max(0, Math.min(room, repositories.bytesMax - this.taken));
  }

  /** Why nothing may come into a repository now, in words for who pushes. */
  refusal(gitDir: string): string | undefined {
    return this.#lackOf(gitDir, 1, 0);
  }

  /** Begins to count what comes into a repository; `sparedBytes` of what it may take stay free. */
  reserve(gitDir: string, sparedBytes = 0): Reservation {
    let reserved = 0;
    const count = (bytes: number): void => {
      reserved += bytes;
      this.#comingTotal += bytes;
      this.#countInFolder(gitDir, bytes);
      const coming = (this.#coming.get(gitDir) ?? 0) + bytes;
      if (coming > 0) this.#coming.set(gitDir, coming);
      else this.#coming.delete(gitDir);
    };
    return {
      take: (bytes) => {
        const lack = this.#lackOf(gitDir, bytes, sparedBytes);
        if (lack !== undefined) return lack;
        this.#settings.disk.take(bytes);
        count(bytes);
        return undefined;
      },
      [Symbol.dispose]: () => count(-reserved),
    };
  }

  /**
   * The same of what is to take the place of what a repository has, as a repack: of that only what is more counts for it, and all
   * of it for the disk.
   */
  reserveAnew(gitDir: string): Reservation {
    const { disk } = this.#settings;
    const more = this.reserve(gitDir);
    let bytesThere = this.bytesOf(gitDir);
    return {
      take: (bytes) => {
        const instead = Math.min(bytes, bytesThere);
        if (!disk.hasRoomFor(bytes)) return diskIsFull;
        const lack = instead < bytes ? more.take(bytes - instead) : undefined;
        if (lack !== undefined) return lack;
        disk.take(instead);
        bytesThere -= instead;
        return undefined;
      },
      [Symbol.dispose]: () => more[Symbol.dispose](),
    };
  }

  /** Bytes of all repositories, with what is coming. */
  get taken(): number {
    return this.total + this.#comingTotal;
  }

  #countTotal(gitDir: string, change: number): void {
    this.#total += change;
    this.#countInFolder(gitDir, change);
  }

  #countInFolder(gitDir: string, change: number): void {
    const folder = dirname(gitDir);
    const bytes = (this.#byFolder.get(folder) ?? 0) + change;
    if (bytes > 0) this.#byFolder.set(folder, bytes);
    else this.#byFolder.delete(folder);
  }

  /** Which limit leaves no room for so many bytes more. */
  #lackOf(gitDir: string, bytes: number, sparedBytes: number): string | undefined {
    const { repository, sparedRefusal, repositories, disk } = this.#settings;
    if (!disk.hasRoomFor(bytes)) return diskIsFull;
    const taken = this.takenBy(gitDir) + bytes;
    if (taken > repository.bytesMax) return repository.refusal;
    if (taken > repository.bytesMax - sparedBytes) return sparedRefusal;
    if (this.taken + bytes > repositories.bytesMax) return repositories.refusal;
    return undefined;
  }
}
