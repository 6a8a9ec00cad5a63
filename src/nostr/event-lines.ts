import { GraspError } from '../lib/errors.js';
import { JsonBoundsError, parseBoundedJson } from './bounded-json.js';
import { InvalidEventError, type NostrEvent, parseEvent } from './event.js';

/** A line of the input is longer than anything that an event can be. */
export class LineTooLongError extends GraspError {
  constructor(lineNumber: number, bytesMax: number) {
    super('line_too_long', `line ${lineNumber} is longer than ${bytesMax} bytes`, {
      details: { lineNumber, bytesMax },
    });
  }
}

const newline = 0x0a;

/**
 * Splits a byte stream into the lines of UTF-8 text that are not blank: those that a chunk ends, together. Holds no more
 * than a chunk and the beginning of a line. Throws `LineTooLongError` for a line above `lineBytesMax`.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly string[]> {
  let lineNumber = 1;
  let partBytes = 0;
  let parts: Uint8Array[] = [];
  const take = (part: Uint8Array): void => {
    partBytes += part.length;
    if (partBytes > lineBytesMax) throw new LineTooLongError(lineNumber, lineBytesMax);
    parts.push(part);
  };
  const finish = (): string => {
    const [first = new Uint8Array()] = parts;
    const bytes =
      parts.length > 1 ? Buffer.concat(parts) : Buffer.from(first.buffer, first.byteOffset, first.length);
    const line = bytes.toString('utf8').trim();
    parts = [];
    partBytes = 0;
    lineNumber += 1;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      const line = finish();
      if (line !== '') lines.push(line);
    }
    take(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  const last = finish();
  if (last !== '') yield [last];
}

/** The event that a line is as JSON; `undefined` when it is none. Id and signature are not checked. */
export function readEventLine(line: string): NostrEvent | undefined {
  try {
    return parseEvent(parseBoundedJson(line));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JsonBoundsError) return undefined;
    if (error instanceof InvalidEventError) return undefined;
    throw error;
  }
}
