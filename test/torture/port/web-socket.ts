import { headEnd, RawSocket, upgradeRequest } from './raw-socket.js';

/** A frame as it is written, right or wrong (RFC 6455 §5.2). */
export type RawFrame = {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly fin?: boolean;
  /** The three reserved bits. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** The length that is said, where it is another than that of the payload. */
  readonly length?: bigint;
  /** Bytes of the length, where it takes more than it has to. */
  readonly lengthBytes?: 2 | 8;
};

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const mask = Buffer.of(0x5a, 0x00, 0xff, 0x21);

export function frameBytes({
  opcode,
  payload,
  fin = true,
  rsv = 0,
  masked = true,
  ...said
}: RawFrame): Buffer {
  const length = said.length ?? BigInt(payload.length);
  const lengthBytes = said.lengthBytes ?? (length > 65_535n ? 8 : length > 125n ? 2 : 0);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 15);
  head[1] = (masked ? 0x80 : 0) | (lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : Number(length));
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  else if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (!masked) return Buffer.concat([head, payload]);
  const hidden = Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] as number)));
  return Buffer.concat([head, mask, hidden]);
}

export function textBytes(text: string): Buffer {
  return frameBytes({ opcode: opcodes.text, payload: Buffer.from(text) });
}

/** A WebSocket whose frames the test writes itself. */
export class RawWebSocket implements Disposable {
  readonly socket: RawSocket;
  /** The texts that came, in their order. */
  readonly texts: string[] = [];
  pongs = 0;
  /** The code of the close frame that came; 1005 for one without a code. */
  closeCode: number | undefined;

  private constructor(socket: RawSocket) {
    this.socket = socket;
  }

  static async open(port: number, ms: number): Promise<RawWebSocket> {
    const socket = new RawSocket(port);
    socket.write(upgradeRequest(port));
    await socket.until(() => headEnd(socket.received) > 0, ms);
    const head = socket.take(Math.max(0, headEnd(socket.received))).toString('latin1');
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${head.slice(0, 80)}`);
    return new RawWebSocket(socket);
  }

  /** Waits until something holds of what came, the connection ends, or the time is over; whether it holds. */
  async until(holds: () => boolean, ms: number): Promise<boolean> {
    return await this.socket.until(() => {
      this.#read();
      return holds();
    }, ms);
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }

  #read(): void {
    for (;;) {
      const { received } = this.socket;
      if (received.length < 2) return;
      const short = (received[1] as number) & 127;
      const headBytes = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0);
      if (received.length < headBytes) return;
      const length =
        short === 127
          ? Number(received.readBigUInt64BE(2))
          : short === 126
            ? received.readUInt16BE(2)
            : short;
      if (received.length < headBytes + length) return;
      const payload = this.socket.take(headBytes + length).subarray(headBytes);
      const opcode = (received[0] as number) & 15;
      if (opcode === opcodes.text) this.texts.push(payload.toString('utf8'));
      else if (opcode === opcodes.pong) this.pongs += 1;
      else if (opcode === opcodes.close)
        this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    }
  }
}
