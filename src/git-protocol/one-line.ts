/** Characters of a reason: it is one line in a terminal. */
const charsMax = 400;

/** Nothing that a stranger sent, or git said, breaks a line or paints a terminal. */
export function oneLine(text: string): string {
  return text
    .slice(0, 2 * charsMax)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, charsMax);
}
