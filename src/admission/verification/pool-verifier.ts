import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import { decodeBatch, encodeBatch } from './batch-codec.js';
import type { SignatureLibrary } from './signature-check.js';
import type { Verifier } from './verifier.js';

/** Node loads a worker itself, so always from the compiled output, also when the sources are run by a test. */
const workerFile = fileURLToPath(new URL('../../../dist/admission/verification/worker.js', import.meta.url));

/** Verifies on `workers` threads (at least 1). Threads are started at once and end when it is disposed. */
export function createPoolVerifier(options: {
  readonly workers: number;
  readonly library?: SignatureLibrary;
}): Verifier {
  const pool = new Piscina<ArrayBuffer, ArrayBuffer>({
    filename: workerFile,
    name: 'verifyBatch',
    minThreads: options.workers,
    maxThreads: options.workers,
    workerData: options.library ?? 'system',
  });
  return {
    batchesMax: options.workers * limits.verificationBatchesPerWorker,
    async verify(events: readonly NostrEvent[]) {
      const buffer = encodeBatch(events);
      const verified = decodeBatch(await pool.run(buffer, { transferList: [buffer] }));
      // A verdict must not come to stand beside another event, whatever happens.
      if (verified.verdicts.length !== events.length) throw new TypeError('a batch came back incomplete');
      return verified;
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}
