import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { limits } from '../../config/limits.js';
import type { Faults } from '../../lib/faults.js';
import type { NostrEvent } from '../../nostr/event.js';
import { decodeBatch, encodeBatch } from './batch-codec.js';
import type { SignatureLibrary } from './signature-check.js';
import type { Verifier } from './verifier.js';

/** Node loads a worker itself, so always from the compiled output, also when the sources are run by a test. */
const workerFile = fileURLToPath(new URL('../../../dist/admission/verification/worker.js', import.meta.url));

export type PoolVerifierOptions = {
  readonly workers: number;
  readonly library?: SignatureLibrary;
  readonly faults: Faults;
  /** The module of the threads, for tests of what they may do; ours otherwise. */
  readonly file?: string;
};

/**
 * Verifies on `workers` threads (at least 1), which are started at once and end when it is disposed. A thread that breaks
 * fails the batch that it has in hand, and another takes its place.
 */
export function createPoolVerifier(options: PoolVerifierOptions): Verifier {
  let pool: Pool | undefined;
  let loaded: Promise<unknown> = Promise.resolve();
  const start = (): Pool => {
    const started = startPool(options);
    loaded = Promise.all(started.threads.map(isLoaded));
    started.on('error', (error: unknown) => {
      options.faults.note('worker', error);
      if (started !== pool || started.threads.length >= options.workers) return;
      // A pool of which a thread broke at its start begins no other in its place.
      pool = undefined;
      void retire(started).catch((cause: unknown) => options.faults.note('worker', cause));
    });
    return started;
  };
  pool = start();
  return {
    batchesMax: options.workers * limits.verificationBatchesPerWorker,
    async verify(events: readonly NostrEvent[]) {
      const buffer = encodeBatch(events);
      pool ??= start();
      const verified = decodeBatch(await pool.run(buffer, { transferList: [buffer] }));
      // A verdict must not come to stand beside another event, whatever happens.
      if (verified.verdicts.length !== events.length) throw new TypeError('a batch came back incomplete');
      return verified;
    },
    async [Symbol.asyncDispose]() {
      // A thread that is stopped while it loads native code takes the whole process with it.
      for (const thread of pool?.threads ?? []) thread.ref();
      await loaded;
      await pool?.destroy();
    },
  };
}

type Pool = Piscina<ArrayBuffer, ArrayBuffer>;

function startPool({ file, workers, library }: PoolVerifierOptions): Pool {
  return new Piscina({
    filename: file ?? workerFile,
    name: 'verifyBatch',
    minThreads: workers,
    maxThreads: workers,
    workerData: library ?? 'system',
    resourceLimits: { maxOldGenerationSizeMb: limits.verificationWorkerHeapMbMax },
  });
}

/** Resolves when a thread that was just started has loaded what it needs, which it tells first of all, or has ended. */
function isLoaded(thread: Worker): Promise<void> {
  return new Promise((resolve) => {
    thread.once('message', () => resolve());
    thread.once('exit', () => resolve());
  });
}

/** Lets the threads that are left finish what the pool was given; without any of them it fails. */
async function retire(pool: Pool): Promise<void> {
  await (pool.threads.length > 0 ? pool.close() : pool.destroy());
}
