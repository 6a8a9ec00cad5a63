import type { Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';

export type DiskUseSettings = {
  /** Most bytes of one repository. */
  readonly repositoryBytesMax: number;
  /** Most bytes of all repositories together. */
  readonly repositoriesBytesMax: number;
  /** Whether the disk has so little room that nothing more is to be written. */
  readonly isDiskLow: () => boolean;
};

const bytesPerMegabyte = 1_000_000;
const bytesPerGigabyte = 1_000_000_000;

/**
 * What the repositories take on the disk, each by its folder, kept by what comes and goes: nobody walks over files to be
 * told. Until a repository was surveyed, what was in it before counts for nothing.
 */
export class DiskUse {
  readonly #settings: DiskUseSettings;
  readonly #bytes = new Map<string, number>();
  #total = 0;

  constructor(settings: DiskUseSettings, registry: Registry) {
    this.#settings = settings;
    const gauge = gaugesIn(registry);
    gauge('ngit_git_repositories_bytes', 'Bytes that all repositories take on the disk', () => this.#total);
    gauge('ngit_git_repositories', 'Repositories on disk whose bytes are counted', () => this.#bytes.size);
  }

  /** Bytes of all repositories. */
  get total(): number {
    return this.#total;
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

  /** So many bytes came into a repository. */
  add(gitDir: string, bytes: number): void {
    this.set(gitDir, this.bytesOf(gitDir) + bytes);
  }

  /** A repository was removed. */
  forget(gitDir: string): void {
    this.#total -= this.bytesOf(gitDir);
    this.#bytes.delete(gitDir);
  }

  /** Forgets all repositories but these. */
  keepOnly(gitDirs: ReadonlySet<string>): void {
    for (const gitDir of this.#bytes.keys()) if (!gitDirs.has(gitDir)) this.forget(gitDir);
  }

  /** Bytes that may still come into a repository; none when there is a refusal. */
  roomFor(gitDir: string): number {
    const { repositoryBytesMax, repositoriesBytesMax, isDiskLow } = this.#settings;
    if (isDiskLow()) return 0;
    return Math.max(
      0,
      Math.min(repositoryBytesMax - this.bytesOf(gitDir), repositoriesBytesMax - this.#total),
    );
  }

  /** Why nothing may come into a repository now, in words for who pushes. */
  refusal(gitDir: string): string | undefined {
    const { repositoryBytesMax, repositoriesBytesMax, isDiskLow } = this.#settings;
    if (isDiskLow())
      return 'the disk of this server is full up to --disk-floor-mb; push again when there is room';
    if (this.bytesOf(gitDir) >= repositoryBytesMax) {
      const megabytes = repositoryBytesMax / bytesPerMegabyte;
      return `the repository has reached the ${megabytes} MB that one may take on this server (--repository-max-mb)`;
    }
    if (this.#total >= repositoriesBytesMax) {
      const gigabytes = repositoriesBytesMax / bytesPerGigabyte;
      return `all repositories of this server have reached the ${gigabytes} GB that they may take (--repositories-max-gb)`;
    }
    return undefined;
  }
}
