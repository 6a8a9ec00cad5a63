import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { GraspError } from '../../lib/errors.js';

/** Why a pack may not be so large: it is above a limit of one pack, or there is no room for it; and that in one line. */
export type PackLack = { readonly cause: 'large' | 'room'; readonly reason: string };

/**
 * How large a pack may become that git writes of objects that came. It can be larger than all that came by far, where these
 * were sent as changes of an object that nobody wants: each is written as a whole then.
 */
export type PackGrowth = {
  readonly clock: Pick<Clock, 'after'>;
  /** Told how many bytes there are by now; says why there may not be so many. */
  readonly lackAt: (bytes: number) => PackLack | undefined;
};

/** Objects that came would become a pack that is larger than it may be. */
export class PackGrowthError extends GraspError {
  readonly lack: PackLack;

  constructor(lack: PackLack) {
    super('pack_growth', lack.reason);
    this.lack = lack;
  }
}

/** Throws `PackGrowthError` where there may not be so many bytes. */
export function checkGrowth(growth: PackGrowth, bytes: number): void {
  const lack = growth.lackAt(bytes);
  if (lack !== undefined) throw new PackGrowthError(lack);
}

/**
 * Looks again and again at what git has written of a pack into a folder of objects. The signal that the work is given aborts
 * with a `PackGrowthError` when that is too much.
 */
export async function watchGrowth<T>(
  growth: PackGrowth,
  objects: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  let isOver = false;
  let cancel = () => {};
  const look = async (): Promise<void> => {
    const bytes = await unfinishedBytes(objects);
    if (isOver) return;
    try {
      checkGrowth(growth, bytes);
      lookLater();
    } catch (error) {
      stop.abort(error);
    }
  };
  const lookLater = () => {
    cancel = growth.clock.after(limits.packGrowthLookMs, () => void look());
  };
  lookLater();
  try {
    return await work(stop.signal);
  } finally {
    isOver = true;
    cancel();
  }
}

/** Bytes of packs that git is writing. */
async function unfinishedBytes(objects: string): Promise<number> {
  const folder = join(objects, 'pack');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('tmp_pack_'));
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => ({ size: 0 }))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
