import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../errors.js';

/** Tells how full disks are. */
export type DiskSpace = {
  /** Bytes that this process may still write to the disk that has `path`, which need not be there yet. */
  freeBytes(path: string): Promise<number>;
};

export const systemDiskSpace: DiskSpace = {
  async freeBytes(path) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      const parent = dirname(path);
      if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
      return await this.freeBytes(parent);
    }
  },
};
