import { move, Piscina } from 'piscina';
import { judgeBatch } from './batch-codec.js';
import { openSignatureCheck, type SignatureLibrary, verdictOn } from './signature-check.js';

const check = await openSignatureCheck(Piscina.workerData as SignatureLibrary);

/** The task of a verification worker: a batch comes and goes back with its verdicts. */
export function verifyBatch(buffer: ArrayBuffer): unknown {
  judgeBatch(buffer, (message) => verdictOn(message, check));
  return move(buffer);
}
