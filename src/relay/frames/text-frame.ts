/*
 * Text frames of WebSocket as a server sends them (RFC 6455 §5.2): in one piece, not masked, not compressed. Built here,
 * header and all, so that one frame is made for all who are sent it, and many frames leave in one buffer.
 */
const finalText = 0x81;
const shortMax = 125;
const mediumMax = 0xffff;
const mediumMark = 126;
const longMark = 127;

/** The frame of a string. */
export function textFrameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = emptyFrame(length);
  frame.write(text, frame.length - length);
  return frame;
}

/** The text of a frame, as a view. */
export function textOf(frame: Buffer): Buffer {
  const mark = frame[1] as number;
  return frame.subarray(mark === longMark ? 10 : mark === mediumMark ? 4 : 2);
}

/** Bytes of the frame of a text of that many bytes. */
export function textFrameBytes(length: number): number {
  return headerBytes(length) + length;
}

/** Writes the header of the frame of a text of that many bytes; returns where the text begins. */
export function writeTextHeader(target: Buffer, at: number, length: number): number {
  target[at] = finalText;
  if (length <= shortMax) {
    target[at + 1] = length;
    return at + 2;
  }
  if (length <= mediumMax) {
    target[at + 1] = mediumMark;
    return target.writeUInt16BE(length, at + 2);
  }
  target[at + 1] = longMark;
  return target.writeUInt32BE(length, target.writeUInt32BE(0, at + 2));
}

/** A frame with its header, whose text is still to be written. */
function emptyFrame(length: number): Buffer {
  const frame = Buffer.allocUnsafe(textFrameBytes(length));
  writeTextHeader(frame, 0, length);
  return frame;
}

function headerBytes(length: number): number {
  if (length <= shortMax) return 2;
  return length <= mediumMax ? 4 : 10;
}
