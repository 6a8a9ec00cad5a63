import { type Random, randomInteger } from '../../../src/lib/random.js';
import { frameBytes, opcodes, textBytes } from './web-socket.js';

/** Bytes that come in a WebSocket, and what has to become of the connection. */
export type FrameTrial = {
  readonly name: string;
  readonly bytes: Buffer;
  /** `answered`: a REQ with the id `f` is in it, whole; `closed`: by one of these codes. */
  readonly outcome: 'answered' | { readonly codes: readonly number[] };
};

const request = JSON.stringify(['REQ', 'f', { kinds: [1], limit: 1 }]);
const broken = { codes: [1002] };
const invalidUtf8 = { codes: [1007] };
const tooBig = { codes: [1009] };

/** A text in fragments, each of which others may stand between. */
function fragments(text: Buffer, sizes: () => number, between: () => Buffer = () => Buffer.alloc(0)): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = Math.min(text.length, at + sizes());
    const opcode = at === 0 ? opcodes.text : opcodes.continuation;
    pieces.push(frameBytes({ opcode, payload: text.subarray(at, end), fin: end === text.length }), between());
    at = end;
  }
  return Buffer.concat(pieces);
}

/** Ways to write frames, right and wrong, of which one is drawn. */
export function frameTrial(random: Random): FrameTrial {
  const draw = (below: number) => randomInteger(random, below);
  const text = Buffer.from(request);
  const any = Buffer.from(Array.from({ length: draw(100) }, () => draw(256)));
  const ping = (size: number) => frameBytes({ opcode: opcodes.ping, payload: Buffer.alloc(size, 'p') });
  const wholeText = textBytes(request);
  const trials: readonly (() => Omit<FrameTrial, 'name'> & { readonly name: string })[] = [
    () => ({ name: 'whole', bytes: wholeText, outcome: 'answered' }),
    () => ({ name: 'in fragments', bytes: fragments(text, () => 1 + draw(9)), outcome: 'answered' }),
    () => ({
      name: 'in fragments with pings',
      bytes: fragments(
        text,
        () => 1 + draw(20),
        () => ping(draw(126)),
      ),
      outcome: 'answered',
    }),
    () => ({
      name: 'with a length that is longer than it has to be',
      bytes: frameBytes({ opcode: opcodes.text, payload: text, lengthBytes: draw(2) === 0 ? 2 : 8 }),
      outcome: 'answered',
    }),
    () => ({
      name: 'behind empty frames',
      bytes: Buffer.concat([textBytes(''), textBytes(''), wholeText]),
      outcome: 'answered',
    }),
    () => ({
      name: 'behind binary',
      bytes: Buffer.concat([frameBytes({ opcode: opcodes.binary, payload: any }), wholeText]),
      outcome: 'answered',
    }),
    () => ({
      name: 'behind pongs',
      bytes: Buffer.concat([frameBytes({ opcode: opcodes.pong, payload: any }), wholeText]),
      outcome: 'answered',
    }),
    () => ({
      name: 'without a mask',
      bytes: frameBytes({ opcode: opcodes.text, payload: text, masked: false }),
      outcome: broken,
    }),
    () => ({
      name: 'with reserved bits',
      bytes: frameBytes({ opcode: opcodes.text, payload: text, rsv: 1 + draw(7) }),
      outcome: broken,
    }),
    () => ({
      name: 'of an unknown kind',
      bytes: frameBytes({ opcode: [3, 4, 7, 11, 15][draw(5)] as number, payload: text }),
      outcome: broken,
    }),
    () => ({
      name: 'of half a control frame',
      bytes: frameBytes({ opcode: opcodes.ping, payload: any, fin: false }),
      outcome: broken,
    }),
    () => ({ name: 'of a long control frame', bytes: ping(126 + draw(500)), outcome: broken }),
    () => ({
      name: 'of a continuation of nothing',
      bytes: frameBytes({ opcode: opcodes.continuation, payload: text }),
      outcome: broken,
    }),
    () => ({
      name: 'of two texts at once',
      bytes: Buffer.concat([frameBytes({ opcode: opcodes.text, payload: text, fin: false }), wholeText]),
      outcome: broken,
    }),
    () => ({
      name: 'of a length above all',
      bytes: frameBytes({
        opcode: opcodes.text,
        payload: text,
        length: 2n ** 63n - BigInt(draw(1_000)),
        lengthBytes: 8,
      }),
      outcome: tooBig,
    }),
    () => ({
      name: 'of a length above the limit',
      bytes: frameBytes({
        opcode: opcodes.text,
        payload: text,
        length: 2n ** 30n + BigInt(draw(1_000)),
        lengthBytes: 8,
      }),
      outcome: tooBig,
    }),
    () => ({
      name: 'that are no UTF-8',
      bytes: frameBytes({ opcode: opcodes.text, payload: Buffer.concat([text, Buffer.of(0xff)]) }),
      outcome: invalidUtf8,
    }),
    () => ({
      name: 'of half a character',
      bytes: fragments(Buffer.concat([text, Buffer.of(0xe2, 0x82)]), () => 7),
      outcome: invalidUtf8,
    }),
    () => ({
      name: 'of a close without a code',
      bytes: frameBytes({ opcode: opcodes.close, payload: Buffer.alloc(0) }),
      outcome: { codes: [1005, 1000] },
    }),
    () => ({
      name: 'of a close with a code',
      bytes: frameBytes({ opcode: opcodes.close, payload: Buffer.of(0x03, 0xe8) }),
      outcome: { codes: [1000] },
    }),
    () => ({
      name: 'of a close with half a code',
      bytes: frameBytes({ opcode: opcodes.close, payload: Buffer.of(3) }),
      outcome: broken,
    }),
    () => ({
      name: 'of a close with a code that there is not',
      bytes: frameBytes({
        opcode: opcodes.close,
        payload: Buffer.of(0x03, [0xec, 0xed, 0xee, 0xf7][draw(4)] as number),
      }),
      outcome: broken,
    }),
    () => ({
      name: 'of a close with a reason that is no UTF-8',
      bytes: frameBytes({ opcode: opcodes.close, payload: Buffer.of(0x03, 0xe8, 0xff) }),
      outcome: invalidUtf8,
    }),
  ];
  const trial = trials[draw(trials.length)] as (typeof trials)[number];
  return trial();
}
