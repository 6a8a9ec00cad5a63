import { expect, it } from 'vitest';
import { AlignmentWatch } from '../../src/alignment/alignment-watch.js';
import { deferred } from '../../src/lib/abort.js';

function world() {
  const running = new Map<string, Promise<void>>();
  const queued = new Set<string>();
  const failed = new Set<string>();
  let isWatched = true;
  const watch = new AlignmentWatch(
    {
      begun: Promise.resolve(),
      running,
      isQueued: (key) => queued.has(key),
      isToRetry: (key) => failed.has(key),
    },
    () => {
      isWatched = false;
    },
  );
  const begin = (key: string) => {
    queued.delete(key);
    const work = deferred<void>();
    running.set(
      key,
      work.promise.then(() => void running.delete(key)),
    );
    return work;
  };
  return { running, queued, failed, watch, begin, isWatched: () => isWatched };
}

it('a watch waits for what was asked for meanwhile, and for nothing else', async () => {
  const { watch, queued, failed, begin, isWatched } = world();
  failed.add('failed before');
  begin('of somebody else');
  for (const key of ['a', 'b', 'c']) watch.add(key);
  queued.add('b').add('c');
  const a = begin('a');
  expect(watch.pending).toBe(3);
  let left: number | undefined;
  const idle = watch.idle().then((number) => {
    left = number;
  });
  const [b, c] = [begin('b'), begin('c')];
  for (const work of [a, b]) {
    work.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(left).toBeUndefined();
  }
  failed.add('c');
  c.resolve();
  await idle;
  expect(left).toBe(1);
  expect(watch.pending).toBe(0);
  watch[Symbol.dispose]();
  expect(isWatched()).toBe(false);
});

it('a watch ends where nothing can be worked on, and says what is left', async () => {
  const { watch, queued } = world();
  watch.add('a');
  queued.add('a');
  expect(await watch.idle()).toBe(1);
});
