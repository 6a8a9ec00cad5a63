import { describe, expect, it } from 'vitest';
import { type FetchIds, fetchRequest, refsRequest } from '../../src/git-protocol/fetch-request.js';

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const agent = 'graspd/1';

/** The payloads of a request; a special pkt-line is its length. */
function linesOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString('latin1', at, at + 4);
    const length = Number.parseInt(digits, 16);
    lines.push(length < 4 ? digits : bytes.toString('utf8', at + 4, at + length));
    at += Math.max(4, length);
  }
  return lines;
}

const offering = (version: 0 | 1 | 2, ...names: string[]) => ({
  version,
  objectFormat: 'sha1' as const,
  capabilities: new Map(names.map((name) => [name, ''])),
});

const requested = (advertisement: ReturnType<typeof offering>, ids: FetchIds) =>
  Buffer.concat([...fetchRequest({ advertisement, agent }, ids)]);

describe('a request for a pack', () => {
  it('of v2 says all at once', () => {
    const advertisement = offering(2, 'fetch', 'ls-refs', 'agent', 'object-format');
    expect(linesOf(requested(advertisement, { wants: [a, b], haves: [c] }))).toEqual([
      'command=fetch\n',
      'object-format=sha1\n',
      'agent=graspd/1\n',
      '0001',
      'thin-pack\n',
      'no-progress\n',
      'ofs-delta\n',
      `want ${a}\n`,
      `want ${b}\n`,
      `have ${c}\n`,
      'done\n',
      '0000',
    ]);
  });

  it.each([0, 1] as const)('of v%i names of what is offered what it needs', (version) => {
    const advertisement = offering(
      version,
      'multi_ack',
      'side-band-64k',
      'include-tag',
      'thin-pack',
      'agent',
    );
    expect(linesOf(requested(advertisement, { wants: [a, b], haves: [c] }))).toEqual([
      `want ${a} side-band-64k thin-pack agent=graspd/1\n`,
      `want ${b}\n`,
      '0000',
      `have ${c}\n`,
      'done\n',
    ]);
  });

  it('tells nothing to who does not know it', () => {
    expect(linesOf(requested(offering(2), { wants: [a], haves: [] }))).not.toContain('agent=graspd/1\n');
    expect(linesOf(requested(offering(0), { wants: [a], haves: [] }))[0]).toBe(`want ${a}\n`);
  });
});

describe('a request for refs', () => {
  it('names prefixes', () => {
    const advertisement = offering(2, 'agent');
    expect(linesOf(refsRequest({ advertisement, agent }, ['refs/heads/', 'refs/tags/']))).toEqual([
      'command=ls-refs\n',
      'agent=graspd/1\n',
      '0001',
      'peel\n',
      'ref-prefix refs/heads/\n',
      'ref-prefix refs/tags/\n',
      '0000',
    ]);
  });
});
