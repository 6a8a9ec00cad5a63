import { Level } from 'level';
import { vi } from 'vitest';

/**
 * Lets `before` run ahead of each write of a batch to LevelDB, with the options of that write; the write waits for it
 * and fails with it. Until `vi.restoreAllMocks`.
 */
export function interceptWrites(before: (options: unknown) => Promise<void>): void {
  const { batch } = Level.prototype;
  vi.spyOn(Level.prototype, 'batch').mockImplementation(function (this: Level, ...args: []) {
    const chain = batch.apply(this, args);
    const write = chain.write.bind(chain) as (options?: object) => Promise<void>;
    return Object.assign(chain, {
      write: async (options?: object) => {
        try {
          await before(options);
        } catch (error) {
          await chain.close();
          throw error;
        }
        await write(options);
      },
    });
  } as typeof batch);
}
