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
  // Decoding looks at the lower byte of a character alone, so what is no digit has to be found before.
  if (hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) {
    throw new NegentropyError('bad_hex', 'the message is not whole bytes in hex');
  }
  return fromHex(hex);
}
