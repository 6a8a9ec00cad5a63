/** Text of a stranger as a terminal may be given it: what would steer it, or hide what stands there, is shown as U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\u{fffd}');
}
