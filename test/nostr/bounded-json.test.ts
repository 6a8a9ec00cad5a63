import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { JsonBoundsError, parseBoundedJson } from '../../src/nostr/bounded-json.js';
import { parseClientMessage, parseRelayMessage } from '../../src/nostr/message.js';
import { parseInformation } from '../../src/sync/dial/information.js';
import { signedEvent, testIdentity } from '../support/events.js';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const costly: [string, string][] = [
  ['nested arrays', nested(500_000)],
  ['nested arrays without an end', '['.repeat(1_000_000)],
  ['nested objects', '{"a":'.repeat(100_000)],
  ['nesting behind strings full of quotes', `["\\"[","\\\\",${nested(limits.jsonDepthMax)}]`],
  ['empty objects', `[${'{},'.repeat(300_000)}{}]`],
  ['an object of many keys', `{${Array.from({ length: 100_000 }, (_, key) => `"${key}":0`).join(',')}}`],
  ['more arrays than an event has tags', `[${'[],'.repeat(100_000)}[]]`],
  ['fields in few objects', `[${`{${'"a":0,'.repeat(100)}"b":0},`.repeat(50)}0]`],
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe('parseBoundedJson', () => {
  it.each(costly)('refuses %s before it is parsed', (_, text) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(() => parseBoundedJson(text)).toThrow(JsonBoundsError);
    expect(() => parseClientMessage(text)).toThrow('the JSON');
    expect(() => parseRelayMessage(text)).toThrow('the JSON');
    expect(parseInformation(text)).toBeUndefined();
    expect(parse).not.toHaveBeenCalled();
  });

  it.each([
    ['the deepest nesting', nested(limits.jsonDepthMax)],
    ['brackets in strings', JSON.stringify([nested(100), '"[', '\\"{', '\\', '\\\\"'])],
    ['an event in its message', JSON.stringify(['EVENT', 's', signedEvent(testIdentity(1))])],
    ['a request of the most filters', JSON.stringify(['REQ', 's', ...new Array(20).fill({ '#e': ['a'] })])],
    ['the most tags', JSON.stringify(new Array(limits.eventTagsMax).fill(['t']))],
  ])('reads %s', (_, text) => {
    expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
  });

  it('reads what JSON.parse reads, and refuses what it refuses', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: limits.jsonDepthMax - 1 }), (text) => {
        expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[]{}":,\\a1') }), (text) => {
        expect(parsed(parseBoundedJson, text)).toEqual(parsed(JSON.parse, text));
      }),
    );
  });
});

function parsed(parse: (text: string) => unknown, text: string): unknown {
  try {
    return { value: parse(text) };
  } catch (error) {
    return (error as Error).name;
  }
}
