import { noteUse } from '../config/limit-use.js';
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
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** An element of an array, not parsed yet. */
export type JsonElement = {
  readonly text: string;
  /** Commas outside of strings: there are no more values in it than one more. */
  readonly commas: number;
};

/**
 * `JSON.parse` for a text of a stranger. Nesting, objects and keys cost the parser up to a hundred times as much as
 * other text of the same length, so they are counted first, in one pass that looks at each character once at most.
 * Throws `JsonBoundsError`, and `SyntaxError` when the text is no JSON.
 */
export function parseBoundedJson(text: string): unknown {
  scan(text, () => {});
  return JSON.parse(text);
}

/**
 * The elements of a text that is an array, for those who parse one after the other; what they are is not looked at.
 * Throws `JsonBoundsError`, and `SyntaxError` when the text is no array or has more than `elementsMax` elements.
 */
export function boundedElements(text: string, elementsMax: number): JsonElement[] {
  const elements: JsonElement[] = [];
  const start = text.search(/[^ \t\n\r]/) + 1;
  let from = start;
  let commasBefore = 0;
  const end = scan(text, (at, commas) => {
    elements.push({ text: text.slice(from, at), commas: commas - commasBefore });
    if (elements.length === elementsMax) throw new SyntaxError(`more than ${elementsMax} elements`);
    from = at + 1;
    commasBefore = commas + 1;
  });
  if (text[start - 1] !== '[' || text[end.at] !== ']' || /[^ \t\n\r]/.test(text.slice(end.at + 1)))
    throw new SyntaxError('not an array');
  elements.push({ text: text.slice(from, end.at), commas: end.commas - commasBefore });
  return elements;
}

/**
 * Counts what the bounds are about. Tells of each comma of the outermost array with the number of commas before it;
 * gives the place at which the first array or object ends, and the number of commas until there.
 */
function scan(
  text: string,
  onComma: (at: number, commas: number) => void,
): { readonly at: number; readonly commas: number } {
  let depth = 0;
  let deepest = 0;
  let objects = 0;
  let arrays = 0;
  let fields = 0;
  let commas = 0;
  let end: { readonly at: number; readonly commas: number } | undefined;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case code.quote:
        at = endOfString(text, at);
        break;
      case code.comma:
        if (depth === 1 && end === undefined) onComma(at, commas);
        commas += 1;
        break;
      case code.colon:
        fields += 1;
        if (fields > limits.jsonFieldsMax) throw new JsonBoundsError('the JSON has too many fields');
        break;
      case code.openBrace:
        objects += 1;
        depth += 1;
        deepest = Math.max(deepest, depth);
        if (objects > limits.jsonObjectsMax) throw new JsonBoundsError('the JSON has too many objects');
        break;
      case code.openBracket:
        arrays += 1;
        depth += 1;
        deepest = Math.max(deepest, depth);
        if (arrays > limits.jsonArraysMax) throw new JsonBoundsError('the JSON has too many arrays');
        break;
      case code.closeBracket:
      case code.closeBrace:
        depth -= 1;
        if (depth === 0) end ??= { at, commas };
        break;
    }
    if (deepest > limits.jsonDepthMax) throw new JsonBoundsError('the JSON is nested too deeply');
  }
  noteUse('jsonDepthMax', deepest);
  noteUse('jsonFieldsMax', fields);
  noteUse('jsonObjectsMax', objects);
  noteUse('jsonArraysMax', arrays);
  return end ?? { at: text.length, commas };
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
