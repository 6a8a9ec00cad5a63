/*
 * Text frames of WebSocket as a server sends them (RFC 6455 §5.2): in one piece, not masked, not compressed. Built here,
 * header and all, so that one frame is made for all who are sent it, and many frames leave in one buffer.
 */
const finalText = 0x81;
const shortMax = 125;
const mediumMax = 0xffff;
const mediumMark = 126;
const longMark = 127;

/** The frame whose text is these pieces of UTF-8, one after another. */
export function textFrame(...pieces: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const frame = emptyFrame(length);
  let at = frame.length - length;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

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

/** A frame with its header, whose text is still to be written. */
function emptyFrame(length: number): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes(length) + length);
  frame[0] = finalText;
  if (length <= shortMax) {
    frame[1] = length;
  } else if (length <= mediumMax) {
    frame[1] = mediumMark;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = longMark;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  return frame;
}

function headerBytes(length: number): number {
  if (length <= shortMax) return 2;
  return length <= mediumMax ? 4 : 10;
}
