import { describe, expect, it } from 'vitest';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { type ReceiveRequest, ReceiveRequestParser } from '../../src/git-protocol/receive-request.js';

const limits = { linesMax: 4, bytesMax: 2_000 };
const zero = '0'.repeat(40);
const a = 'a'.repeat(40);
const b = 'b'.repeat(40);

function parse(...parts: readonly (string | Buffer)[]): {
  request: ReceiveRequest | undefined;
  rest: string;
} {
  const parser = new ReceiveRequestParser(limits);
  const request = parser.push(
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? pktLine(part) : part))),
  );
  return { request, rest: parser.rest.toString('latin1') };
}

describe('ReceiveRequestParser', () => {
  it('reads commands, capabilities, shallow lines and leaves the pack', () => {
    const { request, rest } = parse(
      `shallow ${b}`,
      `${zero} ${a} refs/heads/main\0 report-status side-band-64k agent=git/2.39\n`,
      `${a} ${zero} refs/tags/v1`,
      flushPkt,
      Buffer.from('PACK…', 'latin1'),
    );
    expect(request?.commands).toEqual([
      { old: zero, new: a, ref: 'refs/heads/main' },
      { old: a, new: zero, ref: 'refs/tags/v1' },
    ]);
    expect([...(request?.capabilities ?? [])]).toEqual(['report-status', 'side-band-64k', 'agent=git/2.39']);
    expect(rest).toBe(Buffer.from('PACK…', 'latin1').toString('latin1'));
  });

  it('reads push options where they were announced', () => {
    const command = `${zero} ${a} refs/heads/main\0push-options`;
    const { request, rest } = parse(command, flushPkt, 'ci.skip', 'x=y', flushPkt, Buffer.from('PACK'));
    expect(request?.commands).toHaveLength(1);
    expect(rest).toBe('PACK');
    expect(parse(command, flushPkt, 'ci.skip').request).toBeUndefined();
  });

  it('takes as many commands, shallow lines and push options as the limit says, of each', () => {
    const of = (name: string) => `${zero} ${a} refs/heads/${name}`;
    const [first, ...more] = [...'vwxy'].map(of);
    const shallow = Array<string>(4).fill(`shallow ${b}`);
    const { request } = parse(
      ...shallow.slice(1),
      `${first}\0push-options`,
      ...more,
      ...shallow.slice(3),
      flushPkt,
      ...'abcd',
      flushPkt,
    );
    expect(request?.commands).toHaveLength(4);
  });

  it('knows a push of nothing', () => {
    expect(parse(flushPkt).request?.commands).toEqual([]);
  });

  it.each([
    ['a push certificate', [`push-cert\0report-status`]],
    ['an unknown line', ['hello']],
    ['upper-case ids', [`${zero} ${'A'.repeat(40)} refs/heads/main\0`]],
    ['short ids', [`${zero} ${'a'.repeat(39)} refs/heads/main\0`]],
    ['ids of two lengths', [`${zero} ${'a'.repeat(64)} refs/heads/main\0`]],
    [
      'ids of two lengths in two commands',
      [`${zero} ${a} refs/heads/main\0`, `${'0'.repeat(64)} ${'a'.repeat(64)} refs/heads/x`],
    ],
    ['a command without a ref', [`${zero} ${a}\0`]],
    ['a line break in a ref', [`${zero} ${a} refs/heads/a\nok refs/heads/b\0`]],
    ['one ref twice', [`${zero} ${a} refs/heads/main\0`, `${zero} ${b} refs/heads/main`]],
    [
      'capabilities in a second command',
      [`${zero} ${a} refs/heads/x\0`, `${zero} ${a} refs/heads/y\0atomic`],
    ],
    ['two lists of capabilities', [`${zero} ${a} refs/heads/x\0atomic\0delete-refs`]],
    ['shallow lines that are no ids', ['shallow HEAD']],
    ['an empty line', ['']],
    ['what is not UTF-8', [Buffer.from(`003a${zero.slice(0, 10)}`, 'latin1'), Buffer.alloc(60, 0xff)]],
    [
      'more commands than the limit',
      ['v', 'w', 'x', 'y', 'z'].map((name) => `${zero} ${a} refs/heads/${name}`),
    ],
    ['more push options than the limit', [`${zero} ${a} refs/heads/x\0push-options`, flushPkt, ...'abcde']],
    ['more shallow lines than the limit', Array(5).fill(`shallow ${b}`)],
    ['more bytes than the limit', [`${zero} ${a} refs/heads/${'x'.repeat(2_000)}`]],
  ] as [string, (string | Buffer)[]][])('refuses %s', (_name, parts) => {
    expect(() => parse(...parts, flushPkt)).toThrow(expect.objectContaining({ code: 'git_protocol' }));
  });
});
