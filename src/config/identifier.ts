/**
 * Whether an identifier of a repository (the `d` tag, NIP-34) can name a folder: one segment of a path, and none that
 * leads elsewhere.
 */
export function isIdentifier(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !unfitForPath.test(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL ends a path for the operating system.
const unfitForPath = /[/\\\u0000]/;
