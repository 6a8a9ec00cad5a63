import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { isObjectId } from '../../src/git/object-id.js';
import { isRefName } from '../../src/git/ref-name.js';

/** What git itself says. */
function gitTakes(name: string): boolean {
  return spawnSync('git', ['check-ref-format', name]).status === 0;
}

describe('isRefName', () => {
  it('is, for short names below refs/heads, what git-check-ref-format says', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        '/',
        '.',
        '..',
        '.lock',
        '@',
        '@{',
        '{',
        '~',
        '^',
        ':',
        '?',
        '*',
        '[',
        ']',
        '\\',
        ' ',
        '-',
        '\t',
      ],
      ...['\x7f', '\x01', 'ü', '💾', '"', "'", ';', '$', '`', '|', '&', '%', '+', '!', '#', '='],
    );
    const names = fc
      .array(piece, { minLength: 1, maxLength: 4 })
      .map((pieces) => `refs/heads/${pieces.join('')}`);
    fc.assert(
      fc.property(names, (name) => {
        expect(isRefName(name)).toBe(gitTakes(name));
      }),
      { numRuns: 250, seed: 1 },
    );
  });

  it.each([
    ['refs/heads/main', true],
    ['refs/heads/@', true],
    [`refs/heads/${'x'.repeat(250)}`, true],
    [`refs/heads/${'x'.repeat(251)}`, false],
    [`refs/heads/${'ü'.repeat(126)}`, false],
    [`refs/heads/${'x/'.repeat(600)}x`, false],
    [`refs/heads/${'x/'.repeat(limits.refNamePartsMax - 3)}x`, true],
    [`refs/heads/${'x/'.repeat(limits.refNamePartsMax - 2)}x`, false],
    [`refs/heads/${'x/'.repeat(limits.refNamePartsMax - 2)}ü`, false],
    ['refs/heads', false],
    ['refs/heads/', false],
    ['refs/heads/a\nb', false],
    ['refs/heads/a\0b', false],
    ['refs/heads/\ud800', false],
    ['HEAD', false],
    ['../../x', false],
    ['--upload-pack=x', false],
    ['', false],
  ])('%j → %s', (name, expected) => expect(isRefName(name)).toBe(expected));
});

it.each([
  ['1'.repeat(40), true],
  ['a'.repeat(64), true],
  ['1'.repeat(39), false],
  ['1'.repeat(41), false],
  ['1'.repeat(63), false],
  ['A'.repeat(40), false],
  ['g'.repeat(40), false],
  ['HEAD', false],
  [`${'1'.repeat(40)}\n`, false],
  ['', false],
])('isObjectId %j → %s', (text, expected) => expect(isObjectId(text)).toBe(expected));
