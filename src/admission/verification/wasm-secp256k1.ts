import type { SignatureCheck } from './signature-check.js';

/** libsecp256k1 as WebAssembly (tiny-secp256k1): needs nothing of the system. */
export async function openWasmSecp256k1(): Promise<SignatureCheck> {
  const { verifySchnorr } = await import('tiny-secp256k1');
  return {
    name: 'libsecp256k1 as WASM',
    isValid({ id, pubkey, sig }) {
      try {
        return verifySchnorr(id, pubkey, sig);
      } catch {
        // A key that is no point of the curve, or a number of the signature that is out of its range.
        return false;
      }
    },
  };
}
