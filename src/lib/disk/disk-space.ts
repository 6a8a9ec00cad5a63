import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../errors.js';

/** Tells how full disks are. */
export type DiskSpace = {
  /** Bytes that this process may still write to the disk that has `path`, which need not be there yet. */
  freeBytes(path: string): Promise<number>;
};

/** Files that can still be made on a disk, or the share of all that it can have, below which it counts as full. */
export type FilesMin = { readonly count: number; readonly share: number };

/** Asks the system. */
export function systemDiskSpace(filesMin: FilesMin): DiskSpace {
  return {
    async freeBytes(path) {
      try {
        return freeBytesOf(await statfs(path), filesMin);
      } catch (error) {
        const parent = dirname(path);
        if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
        return await this.freeBytes(parent);
      }
    },
  };
}

/** What a file system says of itself (statfs(2)); `files` is 0 where it counts none. */
export type FileSystemRoom = Readonly<Record<'bavail' | 'bsize' | 'files' | 'ffree', number>>;

/** Bytes that may still be written; none where hardly any file can be made, whatever room there is for bytes. */
export function freeBytesOf(
  { bavail, bsize, files, ffree }: FileSystemRoom,
  { count, share }: FilesMin,
): number {
  return ffree < Math.min(count, files * share) ? 0 : bavail * bsize;
}
