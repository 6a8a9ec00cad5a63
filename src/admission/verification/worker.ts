import { decodeBatch, encodeVerdicts } from './batch-codec.js';
import { openSignatureCheck, verdictOn } from './signature-check.js';

const check = await openSignatureCheck();

/** The task of a verification worker: a batch in, one byte a verdict out. */
export function verifyBatch(buffer: ArrayBuffer): Uint8Array {
  return encodeVerdicts(Array.from(decodeBatch(buffer), (message) => verdictOn(message, check)));
}
