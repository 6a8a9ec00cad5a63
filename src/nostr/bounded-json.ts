import { limits } from '../config/limits.js';
import { GraspError } from '../lib/errors.js';

/** JSON of a stranger that would cost more to parse than anything that Nostr has a use for. */
export class JsonBoundsError extends GraspError {
  constructor(message: string) {
    super('json_bounds', message);
  }
}

const code = {
  quote: 0x22,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/**
 * `JSON.parse` for a text of a stranger. Nesting, objects and keys cost the parser up to a hundred times as much as
 * other text of the same length, so they are counted first, in one pass that looks at each character once at most.
 * Throws `JsonBoundsError`, and `SyntaxError` when the text is no JSON.
 */
export function parseBoundedJson(text: string): unknown {
  checkBounds(text);
  return JSON.parse(text);
}

function checkBounds(text: string): void {
  let depth = 0;
  let objects = 0;
  let fields = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case code.quote:
        at = endOfString(text, at);
        break;
      case code.colon:
        fields += 1;
        if (fields > limits.jsonFieldsMax) throw new JsonBoundsError('the JSON has too many fields');
        break;
      case code.openBrace:
        objects += 1;
        depth += 1;
        if (objects > limits.jsonObjectsMax) throw new JsonBoundsError('the JSON has too many objects');
        break;
      case code.openBracket:
        depth += 1;
        break;
      case code.closeBracket:
      case code.closeBrace:
        depth -= 1;
        break;
    }
    if (depth > limits.jsonDepthMax) throw new JsonBoundsError('the JSON is nested too deeply');
  }
}

/** Where the string that begins at `start` has its last quote: the first before which backslashes are even in number. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === code.backslash) before -= 1;
    if ((quote - before) % 2 === 1) return quote;
  }
  return text.length;
}
