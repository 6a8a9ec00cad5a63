import { readFileSync } from 'node:fs';

/** A test by the label of its file and its name. */
export type NamedTest = { readonly label: string; readonly name: string };

/** In `[a] x, y; [b] z`, with code quotes around the names, x and y are tests of a, and z is one of b. */
export function namesIn(cell: string): NamedTest[] {
  let label = '';
  return [...cell.matchAll(/\[([^\]]+)\]|`([^`]+)`/g)].flatMap((match) => {
    if (match[1] === undefined) return [{ label, name: match[2] ?? '' }];
    label = match[1];
    return [];
  });
}

/** The files of tests by the labels that a page gives them in its last lines. */
export function testFilesOf(page: string): ReadonlyMap<string, string> {
  return new Map(
    [...page.matchAll(/^\[(.+)\]: (?:\.\.\/)+(test\/.+)$/gm)].map(([, label, file]) => [
      label ?? '',
      file ?? '',
    ]),
  );
}

/** Whether the file of that label has such a test. Throws where there is no such file. */
export function isTestThere(files: ReadonlyMap<string, string>, { label, name }: NamedTest): boolean {
  return readFileSync(files.get(label) ?? `[${label}]`, 'utf8').includes(name);
}
