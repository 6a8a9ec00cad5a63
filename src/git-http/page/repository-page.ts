import { escapeHtml, page } from '../../http/pages/html.js';
import type { GitContents } from './git-contents.js';
import type { RefLine } from './ref-lines.js';
import type { RootCounts, StatusCounts } from './root-counts.js';

/** What the page of a repository shows. All texts but that of the README are as strangers wrote them. */
export type RepositoryFacts = {
  readonly name: string;
  readonly description: string;
  readonly identifier: string;
  /** NIP-19. */
  readonly owner: string;
  readonly maintainers: readonly string[];
  /** What users clone with, best first. */
  readonly cloneUrls: readonly string[];
  /** Where else the repository can be looked at. */
  readonly links: readonly { readonly text: string; readonly url: string }[];
  /** `held`: its announcement waits for git data, and is not served yet. */
  readonly standing: 'hosted' | 'archived' | 'held';
  /** How many refs of its newest state are not here; `undefined` without a state. */
  readonly lacking: number | undefined;
  /** The text of the README is HTML. */
  readonly contents: GitContents;
  readonly counts: RootCounts;
};

const commitCharsShown = 10;

/** The page of a repository: everything escaped, no script, nothing loaded. */
export function repositoryPage(facts: RepositoryFacts): string {
  const { name, description, owner, maintainers, cloneUrls, contents } = facts;
  const parts = [
    `<h1>${escapeHtml(name)}</h1>`,
    `<p>${notes(facts).map(note).join(' ')}</p>`,
    description === '' ? '' : `<p>${escapeHtml(description)}</p>`,
    section('Clone', commands(cloneUrls)),
    section('Maintainers', list([owner, ...maintainers.filter((key) => key !== owner)])),
    section('Look at it in', linkList(facts.links)),
    section('Issues, patches, pull requests', countTable(facts.counts)),
    refSection('Branches', contents.branches, contents.head),
    refSection('Tags', contents.tags, undefined),
    readme(contents),
  ];
  return page(name, parts.filter((part) => part !== '').join('\n'));
}

function notes({ standing, lacking, contents }: RepositoryFacts): string[] {
  const standings = {
    hosted: 'hosted here',
    archived: 'archived here',
    held: 'announced, waits for its first push',
  };
  const isEmpty = contents.branches.length === 0 && contents.tags.length === 0;
  const state =
    lacking === undefined
      ? 'no state published'
      : lacking === 0
        ? 'complete'
        : `git data of ${lacking} ${lacking === 1 ? 'ref' : 'refs'} is missing`;
  return [standings[standing], ...(isEmpty ? ['empty'] : []), ...(standing === 'held' ? [] : [state])];
}

function note(text: string): string {
  return `<span class="note">${escapeHtml(text)}</span>`;
}

function section(title: string, body: string): string {
  return `<h2>${escapeHtml(title)}</h2>\n${body}`;
}

function commands(cloneUrls: readonly string[]): string {
  return cloneUrls.map((url) => `<pre class="command">git clone ${escapeHtml(url)}</pre>`).join('\n');
}

function list(texts: readonly string[]): string {
  return `<ul>\n${texts.map((text) => `<li><code>${escapeHtml(text)}</code></li>`).join('\n')}\n</ul>`;
}

function linkList(links: RepositoryFacts['links']): string {
  const items = links.map(
    ({ text, url }) =>
      `<li><a rel="nofollow noreferrer" href="${escapeHtml(url)}">${escapeHtml(text)}</a></li>`,
  );
  return `<ul>\n${items.join('\n')}\n</ul>`;
}

function countTable({ issues, patches, pullRequests, isPartial }: RootCounts): string {
  const row = (title: string, { open, applied, closed, draft }: StatusCounts) =>
    `<tr><th scope="row">${title}</th><td>${open} open</td><td>${applied} done</td><td>${closed} closed</td><td>${draft} draft</td></tr>`;
  const rows = [row('Issues', issues), row('Patches', patches), row('Pull requests', pullRequests)];
  const more = isPartial ? '\n<p>The newest of each are counted.</p>' : '';
  return `<table>\n${rows.join('\n')}\n</table>${more}`;
}

function refSection(
  title: string,
  { lines, length, areNewest }: GitContents['branches'],
  head: string | undefined,
): string {
  if (length === 0) return '';
  const rows = lines.map((line) => refRow(line, line.name === head));
  const which = areNewest ? 'There are more; these are the newest.' : 'There are more.';
  const more = length > lines.length ? `\n<p>${which}</p>` : '';
  return section(title, `<table>\n${rows.join('\n')}\n</table>${more}`);
}

function refRow({ name, commit, date, subject }: RefLine, isHead: boolean): string {
  const title = isHead ? `<strong>${escapeHtml(name)}</strong> (HEAD)` : escapeHtml(name);
  const id = `<code>${escapeHtml(commit.slice(0, commitCharsShown))}</code>`;
  return `<tr><td>${title}</td><td class="fixed">${id}</td><td class="fixed">${escapeHtml(date)}</td><td>${escapeHtml(subject)}</td></tr>`;
}

function readme({ readme }: GitContents): string {
  if (readme === undefined) return '';
  const text =
    readme.text === undefined
      ? '<p>It is too large to be shown.</p>'
      : `<pre class="text">${readme.text}</pre>`;
  return section(readme.name, text);
}
