/**
 * Reads a URL; `undefined` where it is none. The one way to ask whether a text is a URL: `URL.canParse` of Node 20 takes
 * texts with `é` or the like for others once the code that calls it is optimised, and then says yes to what
 * `new URL` throws at.
 */
export function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
