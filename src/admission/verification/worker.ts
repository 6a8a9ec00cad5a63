import { Piscina } from 'piscina';
import { decodeBatch, encodeVerdicts } from './batch-codec.js';
import { openSignatureCheck, type SignatureLibrary, verdictOn } from './signature-check.js';

const check = await openSignatureCheck(Piscina.workerData as SignatureLibrary);

/** The task of a verification worker: a batch in, one byte a verdict out. */
export function verifyBatch(buffer: ArrayBuffer): Uint8Array {
  return encodeVerdicts(Array.from(decodeBatch(buffer), (message) => verdictOn(message, check)));
}
