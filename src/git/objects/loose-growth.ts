import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What comes into a folder of objects as files of their own, each of which is asked for its size once. */
export class LooseGrowth {
  readonly #objects: string;
  readonly #seen = new Set<string>();
  #bytes = 0;

  private constructor(objects: string) {
    this.#objects = objects;
  }

  /** What is there by now does not count. */
  static async since(objects: string): Promise<LooseGrowth> {
    const growth = new LooseGrowth(objects);
    for await (const name of growth.#names()) growth.#seen.add(name);
    return growth;
  }

  /** Looks; gives the bytes of all that has come. One that git is still writing counts once it is whole. */
  async bytes(): Promise<number> {
    for await (const name of this.#names()) {
      if (this.#seen.has(name)) continue;
      this.#seen.add(name);
      this.#bytes += (await stat(join(this.#objects, name)).catch(() => ({ size: 0 }))).size;
    }
    return this.#bytes;
  }

  async *#names(): AsyncGenerator<string> {
    const folders = (await readdir(this.#objects).catch(() => [])).filter((name) =>
      /^[0-9a-f]{2}$/.test(name),
    );
    for (const folder of folders) {
      const names = await readdir(join(this.#objects, folder)).catch(() => []);
      for (const name of names) if (!name.startsWith('tmp_')) yield join(folder, name);
    }
  }
}
