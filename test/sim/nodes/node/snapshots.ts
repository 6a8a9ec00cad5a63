import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../../src/lib/random.js';
import { snapshotName } from '../../../../src/store/log/snapshot.js';
import { chance, pick } from '../../random.js';

/**
 * The local disks of the nodes, with the snapshots of their indexes: a life finds what the last one of its node left, or an older
 * one, as after a backup that was put back, or none, or a damaged one.
 */
export class Snapshots {
  readonly #root: string;
  readonly #random: Random;
  readonly #kept: Buffer[] = [];
  #lives = 0;
  /** How many lives began with one that was not the last of their node. */
  stale = 0;

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  /** A folder for a life of a node, whose last one had the other folder. */
  folderAfter(last: string | undefined): string {
    const folder = join(this.#root, String(this.#lives));
    this.#lives += 1;
    mkdirSync(folder);
    const snapshot = this.#choose(last === undefined ? undefined : this.#read(last));
    if (snapshot !== undefined) writeFileSync(join(folder, snapshotName), snapshot);
    return folder;
  }

  #read(folder: string): Buffer | undefined {
    const file = join(folder, snapshotName);
    if (!existsSync(file)) return undefined;
    const snapshot = readFileSync(file);
    this.#kept.push(snapshot);
    return snapshot;
  }

  #choose(last: Buffer | undefined): Buffer | undefined {
    const random = this.#random;
    if (chance(random, 0.05)) return undefined;
    if (last !== undefined && chance(random, 0.05)) return last.subarray(0, last.length / 2);
    if (this.#kept.length === 0 || !chance(random, 0.3)) return last;
    this.stale += 1;
    return pick(random, this.#kept);
  }
}
