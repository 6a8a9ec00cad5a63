import type { IncomingMessage } from 'node:http';

/**
 * The bytes of a request without its wish for another protocol, to be read once more as of any other: of a request that might
 * leave HTTP, Node reads no body. `head`: what came behind its headers. The connection ends with its answer.
 */
export function withoutUpgrade(
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  head: Buffer,
): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    // In its place, so that a request with too many headers still has too many.
    lines.push(name.toLowerCase() === 'upgrade' ? 'Connection: close' : `${name}: ${rawHeaders[at + 1]}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]);
}
