type Limit = { readonly name: string; readonly about: string };
type Section = { readonly title: string; readonly limits: Limit[] };

/** The sections of `limits.ts`: a `// Title` line begins one, a doc comment and the key after it are one limit. */
function parseSections(source: string): Section[] {
  const body = source.slice(source.indexOf('export const limits'));
  const sections: Section[] = [];
  const token =
    /^ {2}\/\/ (?<title>.+)$|^ {2}\/\*\*(?<about>[\s\S]*?)\*\/\s*(?<name>\w+):|^ {2}(?<bare>\w+):/gm;
  for (const { groups } of body.matchAll(token)) {
    const { title, about, name, bare } = groups ?? {};
    if (bare !== undefined) throw new Error(`the limit ${bare} has no doc comment`);
    if (title !== undefined) sections.push({ title, limits: [] });
    else if (name !== undefined && about !== undefined) {
      sections.at(-1)?.limits.push({ name, about: about.replaceAll(/\s*\n\s*\* ?/g, ' ').trim() });
    }
  }
  return sections;
}

function row(
  { name, about }: Limit,
  values: Readonly<Record<string, number>>,
  watched: ReadonlySet<string>,
): string {
  const value = values[name];
  if (value === undefined) throw new Error(`the limit ${name} has no value`);
  const text = about.replaceAll('|', '\\|');
  return `| \`${name}\` | ${value.toLocaleString('en')} | ${text} | ${watched.has(name) ? 'yes' : ''} |`;
}

/** What is quoted in these texts of the source: so are limits there only to have their use noted. */
export function watchedLimits(sources: readonly string[]): ReadonlySet<string> {
  const use = /'(\w+)'/g;
  return new Set(sources.flatMap((text) => [...text.matchAll(use)].map(([, name]) => name as string)));
}

/**
 * The page of all fixed limits (`docs/limits.md`), from the text of `limits.ts`, its values, and which of them are watched.
 */
export function limitsPage(
  source: string,
  values: Readonly<Record<string, number>>,
  watched: ReadonlySet<string>,
): string {
  const sections = parseSections(source);
  const listed = new Set(sections.flatMap((section) => section.limits.map(({ name }) => name)));
  const missing = Object.keys(values).filter((name) => !listed.has(name));
  if (missing.length > 0) throw new Error(`limits that are in no section: ${missing.join(', ')}`);
  return [
    '# Limits',
    '',
    '<!-- Generated from src/config/limits.ts by `npm run docs`; do not edit. -->',
    '',
    'Every queue, buffer and loop of graspd is bounded. These bounds are fixed; those that an operator may change are',
    'options, see [configuration](configuration.md). The unit is in the name.',
    '',
    'Of a limit that is watched, `ngit_limit_peak_ratio{limit="<name>"}` is the most of it that was used since the start: 1 where it',
    'was reached. Of the others most are times, paces and sizes of steps, to which nothing comes near, or cut what is shown; what a',
    'metric of its own shows names it. For each limit a test drives the real code to it and one past it, or names the test that does,',
    'or says that it is a pace: see the [table](../test/limits/table.ts).',
    '',
    ...sections.flatMap(({ title, limits }) => [
      `## ${title}`,
      '',
      '| limit | value | what it bounds | watched |',
      '|---|---:|---|---|',
      ...limits.map((limit) => row(limit, values, watched)),
      '',
    ]),
  ].join('\n');
}
