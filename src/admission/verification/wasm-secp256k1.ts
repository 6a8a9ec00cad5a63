import { verifyEvent } from 'nostr-tools/pure';
import { initNostrWasm } from 'nostr-wasm';
import { limits } from '../../config/limits.js';
import { toHex } from '../../lib/bytes.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { SignatureCheck } from './signature-check.js';

/** libsecp256k1 as WebAssembly (nostr-wasm): needs nothing of the system. */
export async function openWasmSecp256k1(): Promise<SignatureCheck> {
  const wasm = await initNostrWasm();
  return {
    name: 'libsecp256k1 as WASM',
    isValid(message) {
      const event = rebuildEvent(message);
      // The heap of nostr-wasm is fixed; what does not fit goes to the slower JavaScript implementation.
      if (message.serialised.length > limits.wasmSerialisedBytesMax) return verifyEvent(event);
      try {
        wasm.verifyEvent(event);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** nostr-wasm takes whole events only, so the event is read back from its serialisation. */
function rebuildEvent(message: Parameters<SignatureCheck['isValid']>[0]): NostrEvent {
  const [, pubkey, created_at, kind, tags, content] = JSON.parse(
    Buffer.from(message.serialised).toString('utf8'),
  );
  return { id: toHex(message.id), pubkey, created_at, kind, tags, content, sig: toHex(message.sig) };
}
