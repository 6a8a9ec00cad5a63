import { describe, expect, it } from 'vitest';
import { table } from '../../src/commands/operator/table.js';

describe('a table', () => {
  it('lines its columns up, with a dash where there is nothing', () => {
    expect(table(['A', 'LONGER'], [['first', undefined]])).toBe('A      LONGER\nfirst  -\n');
  });

  it('shows nothing of a stranger that steers the terminal or begins a line', () => {
    const named = '\u001b]0;title\u0007a\u009b2Jb\nnpub1forged  -\u202e';
    expect(table(['A'], [[named]])).toBe('A\n\ufffd]0;title\ufffda\ufffd2Jb\ufffdnpub1forged  -\ufffd\n');
  });
});
