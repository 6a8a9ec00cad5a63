import type { LeftFolder } from './crash-model.js';

/** Files of a repository that git cannot do without, and what each has to be. */
const forms: readonly (readonly [name: RegExp, content: RegExp])[] = [
  [/^HEAD$/, /^ref: refs\/\S+\n$/],
  [/^config$/, /^\[core\]\n(\t.+\n|\[.+\]\n)+$/],
  [/^refs\/.*(?<!\.lock)$/, /^[0-9a-f]{40}\n$/],
  [/^packed-refs$/, /^(.+\n)+$/],
  [/^objects\/pack\/pack-[0-9a-f]+\.pack$/, /^PACK/],
  [/^objects\/pack\/pack-[0-9a-f]+\.idx$/, /^\xfftOc/],
];

/** The paths of such files in the repositories below a data folder that are not what they have to be. */
export function tornFiles(left: LeftFolder): string[] {
  const torn: string[] = [];
  const look = (folder: LeftFolder, path: string, inRepository: string | undefined): void => {
    for (const [name, entry] of folder.entries) {
      // What is being made goes at the next start.
      if (name === '.graspd') continue;
      const below = inRepository === undefined ? undefined : `${inRepository}${name}`;
      const at = `${path}/${name}`;
      if (entry.type === 'folder') {
        look(entry, at, below === undefined ? (name.endsWith('.git') ? '' : undefined) : `${below}/`);
        continue;
      }
      const form = below === undefined ? undefined : forms.find(([names]) => names.test(below));
      const text = entry.bytes.toString('latin1');
      if (form !== undefined && !form[1].test(text)) torn.push(at);
    }
  };
  look(left, '', undefined);
  return torn;
}
