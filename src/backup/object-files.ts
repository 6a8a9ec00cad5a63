const pack = /^pack\/(pack-[0-9a-f]{40,64})\.(pack|idx)$/;
const loose = /^[0-9a-f]{2}\/[0-9a-f]{38}$/;

/** The name of a pack, without its suffix, that a path below a folder of objects is of; `undefined` where it is of none. */
export function packNameIn(path: string): string | undefined {
  return pack.exec(path)?.[1];
}

/** Whether a path below a folder of objects is that of one object. */
export function isLooseObject(path: string): boolean {
  return loose.test(path);
}

/**
 * Whether a path below a folder of objects is of what a backup takes along: packs with their indexes, and single objects.
 * Bitmaps, commit-graphs and the times of what nothing refers to are made anew by the care of repositories.
 */
export function isObjectFile(path: string): boolean {
  return packNameIn(path) !== undefined || isLooseObject(path);
}
