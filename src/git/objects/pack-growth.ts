import { readdir, rm, stat } from 'node:fs/promises';
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

/** Where room for a pack is taken while it is written. */
export type PackRoom = {
  /** Takes room for so many bytes more. Where there is none it takes none, and says why. */
  take(bytes: number): string | undefined;
};

/**
 * What may be written, for so many bytes of which there is room already; more room is taken as it becomes larger. `tooLarge`
 * says in words which limit of one pack is met.
 */
export function growthWithin(
  clock: PackGrowth['clock'],
  room: PackRoom,
  bytesTaken: number,
  tooLarge: (bytes: number) => string | undefined = () => undefined,
): PackGrowth {
  let most = bytesTaken;
  return {
    clock,
    lackAt(bytes) {
      const limit = tooLarge(bytes);
      if (limit !== undefined) return { cause: 'large', reason: limit };
      if (bytes <= most) return undefined;
      const lack = room.take(bytes - most);
      if (lack !== undefined) return { cause: 'room', reason: lack };
      most = bytes;
      return undefined;
    },
  };
}

/** What is in a folder beside what git writes of packs meanwhile. */
export type OtherContent = {
  /** Unfinished files that were left there before (`unfinishedIn`). */
  readonly left?: ReadonlySet<string>;
  /** Bytes of what else it writes there. */
  readonly besides?: () => Promise<number>;
};

/**
 * Looks again and again at what git writes, or has begun to write, of packs into a folder of objects. The signal that the work is
 * given aborts with a `PackGrowthError` when that is too much.
 */
export async function watchGrowth<T>(
  growth: PackGrowth,
  objects: string,
  work: (signal: AbortSignal) => Promise<T>,
  { left = new Set(), besides }: OtherContent = {},
): Promise<T> {
  const stop = new AbortController();
  let isOver = false;
  let cancel = () => {};
  const look = async (): Promise<void> => {
    const bytes = (await unfinishedBytes(objects, left)) + ((await besides?.()) ?? 0);
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

/** The names of files in the folder of packs that git has not finished: packs, and what belongs to them. */
export async function unfinishedIn(objects: string): Promise<string[]> {
  const names = await readdir(join(objects, 'pack')).catch(() => []);
  return names.filter((name) => name.startsWith('tmp_') || name.startsWith('.tmp-'));
}

/** Removes such files of a git that has ended; those that were there before stay, for others may be writing them. */
export async function removeUnfinished(objects: string, before: ReadonlySet<string>): Promise<void> {
  const left = (await unfinishedIn(objects)).filter((name) => !before.has(name));
  for (const name of left) await rm(join(objects, 'pack', name), { force: true });
}

/** Bytes of packs that git is writing: as it writes one, and as a repack names one while it makes the next. */
async function unfinishedBytes(objects: string, left: ReadonlySet<string>): Promise<number> {
  const folder = join(objects, 'pack');
  const isPack = (name: string) => name.startsWith('tmp_pack_') || name.endsWith('.pack');
  const names = (await unfinishedIn(objects)).filter((name) => isPack(name) && !left.has(name));
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => ({ size: 0 }))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
