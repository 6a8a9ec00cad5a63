import { describe, expect, it } from 'vitest';
import { createLogger, type LogFormat, logFormatOf } from '../../src/daemon/logger.js';

function logged(format: LogFormat): string {
  let text = '';
  const destination = {
    write: (piece: string) => {
      text += piece;
    },
  };
  createLogger('info', destination, format).info(
    { relay: 'wss://relay.example.org', stored: 3 },
    'caught up',
  );
  return text;
}

describe('log lines', () => {
  it('are JSON with a level, a time and the details', () => {
    expect(JSON.parse(logged('json'))).toMatchObject({ level: 'info', msg: 'caught up', stored: 3 });
  });

  it('are one line of text that a person reads', () => {
    const text = logged('text');
    expect(text.match(/\n/g)).toHaveLength(1);
    for (const part of ['INFO', 'caught up', 'wss://relay.example.org']) expect(text).toContain(part);
  });

  it.each([
    ['auto', true, 'text'],
    ['auto', false, 'json'],
    ['json', true, 'json'],
    ['text', false, 'text'],
  ] as const)('%s is, with a terminal: %s, %s', (wanted, isTTY, format) => {
    expect(logFormatOf(wanted, { isTTY })).toBe(format);
  });
});
