import { limits } from '../../config/limits.js';
import { fromHex, toHex } from '../../lib/bytes.js';
import { NegentropyError } from '../errors.js';

/** The message as the hex text of NEG-OPEN and NEG-MSG (NIP-77). */
export function messageToHex(message: Uint8Array): string {
  return toHex(message);
}

/** The message in the hex text of NEG-OPEN and NEG-MSG. Throws `message_too_large` or `bad_hex`. */
export function messageFromHex(hex: string): Uint8Array {
  if (hex.length > limits.negentropyMessageBytesMax * 2) {
    throw new NegentropyError('message_too_large', `the message has ${hex.length} hex digits`);
  }
  // Decoding stops at the first pair that is no hex, so a short result tells.
  const message = fromHex(hex);
  if (message.length * 2 !== hex.length) {
    throw new NegentropyError('bad_hex', 'the message is not whole bytes in hex');
  }
  return message;
}
