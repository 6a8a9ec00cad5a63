import { createHash } from 'node:crypto';
import { fromHex } from '../../lib/bytes.js';
import type { SignedMessage } from './batch-codec.js';
import { openSystemSecp256k1 } from './system-secp256k1.js';
import type { Verdict } from './verifier.js';
import { openWasmSecp256k1 } from './wasm-secp256k1.js';

/** A BIP-340 implementation; which one is told by `name`, for `graspd doctor` and the log. */
export type SignatureCheck = {
  readonly name: string;
  /** Whether the signature over the id is by the key. The id has been checked against the serialisation. */
  isValid(message: SignedMessage): boolean;
};

/** Which libsecp256k1 is wanted: the system's where it is at hand, or the WASM build in any case. */
export type SignatureLibrary = 'system' | 'wasm';

/**
 * Opens the fastest implementation at hand that passes the self-test: the system's libsecp256k1 through koffi where
 * both are installed and it is wanted, else libsecp256k1 as WASM.
 */
export async function openSignatureCheck(library: SignatureLibrary = 'system'): Promise<SignatureCheck> {
  const system = library === 'system' ? await openSystemSecp256k1() : undefined;
  if (system !== undefined && passesSelfTest(system)) return system;
  return await openWasmSecp256k1();
}

/** Id, then signature (NIP-01). */
export function verdictOn(message: SignedMessage, check: SignatureCheck): Verdict {
  const hash = createHash('sha256');
  for (const piece of message.serialisation) hash.update(piece);
  if (hash.digest().compare(message.id) !== 0) return 'wrong-id';
  return check.isValid(message) ? 'valid' : 'wrong-signature';
}

/** BIP-340's test vectors 0, 1 and 2 hold, and vector 6 (an odd y of R) is refused. */
function passesSelfTest(check: SignatureCheck): boolean {
  return vectors.every(({ pubkey, id, sig, valid }) => {
    const message = {
      pubkey: fromHex(pubkey),
      id: fromHex(id),
      sig: fromHex(sig),
      serialisation: [],
    };
    return check.isValid(message) === valid;
  });
}

const vectors = [
  {
    pubkey: 'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    id: '0000000000000000000000000000000000000000000000000000000000000000',
    sig: 'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
    valid: true,
  },
  {
    pubkey: 'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    id: '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    sig: '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
    valid: true,
  },
  {
    pubkey: 'dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8',
    id: '7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c',
    sig: '5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1bab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7',
    valid: true,
  },
  {
    pubkey: 'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    id: '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    sig: 'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a14602975563cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2',
    valid: false,
  },
];
