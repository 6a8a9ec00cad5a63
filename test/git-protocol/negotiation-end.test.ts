import { describe, expect, it } from 'vitest';
import { NegotiationEnd } from '../../src/git-protocol/negotiation-end.js';
import { delimiterPkt, flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';

const id = '7'.repeat(40);
const ack = [pktLine(`ACK ${id} common\n`), pktLine(`ACK ${id} ready\n`), pktLine('NAK\n')];
const depth = [pktLine(`shallow ${id}\n`), pktLine(`unshallow ${id}\n`), flushPkt];
const sections = [
  pktLine('acknowledgments\n'),
  ...ack,
  delimiterPkt,
  pktLine('shallow-info\n'),
  ...depth.slice(0, 2),
  delimiterPkt,
];

/** Whether an answer has come to what was asked for, however small its pieces are. */
function isReached(answer: readonly Buffer[]): boolean {
  const whole = new NegotiationEnd().push(Buffer.concat(answer));
  const end = new NegotiationEnd();
  let reached = false;
  for (const byte of Buffer.concat(answer)) reached = end.push(Buffer.of(byte));
  expect(reached).toBe(whole);
  return reached;
}

describe('an answer of git upload-pack', () => {
  it('is about what the client has first', () => {
    for (const answer of [[], ack, [...depth, ...ack], sections]) expect(isReached(answer)).toBe(false);
  });

  it.each([
    ['progress', [...ack, pktLine('\x02Counting objects')]],
    ['a sign of life', [...ack, pktLine('\x01')]],
    ['a pack that is not multiplexed', [...ack, Buffer.from('PACK')]],
    ['the section of a pack', [...sections, pktLine('packfile\n')]],
    ['the section of refs', [...sections, pktLine('wanted-refs\n')]],
    ['a ref', [pktLine(`${id} refs/heads/main\n`)]],
    ['an error', [pktLine('ERR no\n')]],
  ])('has come to what was asked for with %s', (_, answer) => {
    expect(isReached(answer)).toBe(true);
    expect(isReached([...answer, ...ack])).toBe(true);
  });
});
