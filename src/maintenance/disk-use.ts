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

export type DiskUseSettings = {
  /** Most bytes of one repository. */
  readonly repositoryBytesMax: number;
  /** Most bytes of all repositories together. */
  readonly repositoriesBytesMax: number;
  readonly disk: RepositoryDisk;
};

/** Room for what comes into a repository, taken while it comes; given back when this is disposed of. */
export type Reservation = Disposable & {
  /** Takes room for so many bytes more. Where there is none it takes none, and says why in words for who sends them. */
  take(bytes: number): string | undefined;
};

const bytesPerMegabyte = 1_000_000;
const bytesPerGigabyte = 1_000_000_000;
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

  constructor(settings: DiskUseSettings, registry: Registry) {
    this.#settings = settings;
    const gauge = gaugesIn(registry);
    gauge('ngit_git_repositories_bytes', 'Bytes that all repositories take on the disk', () => this.total);
    gauge(
      'ngit_git_shared_bytes',
      'Bytes that repositories would take more without the packs that several of them share',
      () => this.#shared.sparedBytes,
    );
    gauge('ngit_git_repositories', 'Repositories on disk whose bytes are counted', () => this.#bytes.size);
  }

  /** Bytes of all repositories, a file that several have counted once. */
  get total(): number {
    return this.#total - this.#shared.sparedBytes;
  }

  /** Bytes of one repository. */
  bytesOf(gitDir: string): number {
    return this.#bytes.get(gitDir) ?? 0;
  }

  /** A repository was measured. */
  set(gitDir: string, bytes: number): void {
    this.#total += bytes - this.bytesOf(gitDir);
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
    this.#total -= this.bytesOf(gitDir);
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
    return more === 0 || this.#taken + more <= this.#settings.repositoriesBytesMax;
  }

  /** Bytes that may still come into a repository; none when there is a refusal. */
  roomFor(gitDir: string): number {
    const { repositoryBytesMax, repositoriesBytesMax, disk } = this.#settings;
    if (!disk.hasRoomFor(1)) return 0;
    const room = Math.min(repositoryBytesMax - this.#takenBy(gitDir), repositoriesBytesMax - this.#taken);
    return Math.max(0, room);
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

  get #taken(): number {
    return this.total + this.#comingTotal;
  }

  #takenBy(gitDir: string): number {
    return this.bytesOf(gitDir) + (this.#coming.get(gitDir) ?? 0);
  }

  /** Which limit leaves no room for so many bytes more. */
  #lackOf(gitDir: string, bytes: number, sparedBytes: number): string | undefined {
    const { repositoryBytesMax, repositoriesBytesMax, disk } = this.#settings;
    if (!disk.hasRoomFor(bytes)) return diskIsFull;
    if (this.#takenBy(gitDir) + bytes > repositoryBytesMax) {
      const megabytes = repositoryBytesMax / bytesPerMegabyte;
      return `the repository has no room: one may take ${megabytes} MB on this server (--repository-max-mb)`;
    }
    if (this.#takenBy(gitDir) + bytes > repositoryBytesMax - sparedBytes)
      return 'this repository has no room for more pull requests (--repository-max-mb)';
    if (this.#taken + bytes > repositoriesBytesMax) {
      const gigabytes = repositoriesBytesMax / bytesPerGigabyte;
      return `there is no room: all repositories of this server may take ${gigabytes} GB (--repositories-max-gb)`;
    }
    return undefined;
  }
}
