import type { SignatureCheck } from './signature-check.js';

/**
 * The sonames of the releases whose `secp256k1_schnorrsig_verify` takes a message length (0.1.0 and later). The one
 * before them, `.so.0`, takes other arguments under the same name, so it is not tried.
 */
const libraryNames = [
  'libsecp256k1.so.6',
  'libsecp256k1.so.5',
  'libsecp256k1.so.2',
  'libsecp256k1.so.1',
  'libsecp256k1.6.dylib',
  'libsecp256k1.5.dylib',
  'libsecp256k1.2.dylib',
];
/** SECP256K1_CONTEXT_NONE: verification needs no precomputed tables of ours. */
const contextNone = 1;
/** sizeof(secp256k1_xonly_pubkey) */
const xonlyPubkeyBytes = 64;

/** The system's libsecp256k1 through koffi; `undefined` where either is missing, which is no error. */
export async function openSystemSecp256k1(): Promise<SignatureCheck | undefined> {
  const koffi = await import('koffi').then(
    (module) => module.default,
    () => undefined,
  );
  if (koffi === undefined) return undefined;
  for (const name of libraryNames) {
    try {
      const library = koffi.load(name);
      const createContext = library.func('void *secp256k1_context_create(unsigned int flags)');
      const parseKey = library.func(
        'int secp256k1_xonly_pubkey_parse(const void *ctx, _Out_ uint8_t *key, const uint8_t *input32)',
      );
      const verify = library.func(
        'int secp256k1_schnorrsig_verify(const void *ctx, const uint8_t *sig64, const uint8_t *message, size_t length, const uint8_t *key)',
      );
      const context: unknown = createContext(contextNone);
      const key = new Uint8Array(xonlyPubkeyBytes);
      return {
        name: `${name} of the system`,
        isValid: ({ id, pubkey, sig }) =>
          parseKey(context, key, pubkey) === 1 && verify(context, sig, id, id.length, key) === 1,
      };
    } catch {
      // Not installed under this name, or built without the schnorrsig module: the next name may be.
    }
  }
  return undefined;
}
