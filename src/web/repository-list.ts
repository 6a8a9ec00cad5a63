import type { ServerResponse } from 'node:http';
import { limits } from '../config/limits.js';
import { askerOf } from '../http/asker.js';
import type { FrontPageExtras } from '../http/built-in-routes.js';
import { escapeHtml } from '../http/pages/html.js';
import type { RouteRequest } from '../http/route.js';
import { errorMessage } from '../lib/errors.js';
import { isoTimeOf } from '../lib/text/iso-time.js';
import { npubOf } from '../nostr/keys.js';
import { type Catalogue, type CatalogueEntry, type CataloguePage, SearchBusyError } from './catalogue.js';
import { type ListQuery, listQueryOf, urlQueryOf } from './list-query.js';

/** Characters of an npub that are shown at its beginning and at its end. */
const npubStart = 12;
const npubEnd = 6;

/** The list of repositories on the page at `/`: what is searched for, one page of what was found, and the way to others. */
export function repositoryList(catalogue: Catalogue): FrontPageExtras['listRepositories'] {
  return async ({ query, addressGroup }: RouteRequest, response: ServerResponse) => {
    const asked = listQueryOf(query);
    const { signal, party = addressGroup } = askerOf(addressGroup, response);
    try {
      return listOf(asked, await catalogue.find(asked, party, signal));
    } catch (error) {
      // Nobody reads what the page says.
      if (signal.aborted) return '';
      if (!(error instanceof SearchBusyError)) throw error;
      return sectionOf(asked, `<p>${escapeHtml(errorMessage(error))}</p>`);
    }
  };
}

function listOf(asked: ListQuery, found: CataloguePage): string {
  const items = found.entries.map(itemOf).join('\n');
  const list = items === '' ? '' : `\n<ul class="repositories">\n${items}\n</ul>`;
  return sectionOf(asked, `<p>${escapeHtml(countOf(asked, found))}</p>${list}${pagerOf('/', asked, found)}`);
}

function sectionOf(asked: ListQuery, body: string): string {
  return `<h2 id="repositories">Repositories</h2>\n${searchForm('/', asked)}\n${body}`;
}

/** How many there are, in words. */
export function countOf({ text, lacking }: ListQuery, { total }: CataloguePage): string {
  const noun = total === 1 ? 'repository' : 'repositories';
  const lack = lacking ? ' that lack git data' : '';
  if (text === '') return total === 0 ? `No ${noun}${lack}.` : `${total} ${noun}${lack}.`;
  return total === 0 ? `Nothing found for “${text}”.` : `${total} ${noun}${lack} found for “${text}”.`;
}

/** A form that asks for the same page with what is searched for. `hidden` goes with it. */
export function searchForm(
  action: string,
  { text, lacking }: ListQuery,
  hidden: Readonly<Record<string, string>> = {},
  hasLacking = false,
): string {
  const kept = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const choice = hasLacking
    ? `<label><input type="checkbox" name="lacking" value="1"${lacking ? ' checked' : ''}> only those that lack git data</label> `
    : '';
  return `<form role="search" action="${escapeHtml(action)}" method="get">${kept.join('')}
<input type="search" name="q" maxlength="${limits.searchCharsMax}" value="${escapeHtml(text)}" aria-label="Search repositories" placeholder="Name, words or npub">
${choice}<button type="submit">Search</button>
</form>`;
}

/** The way to the pages before and after; nothing where there is one page only. */
export function pagerOf(
  path: string,
  asked: ListQuery,
  { page, pages }: CataloguePage,
  others: Readonly<Record<string, string>> = {},
): string {
  if (pages === 1) return '';
  const link = (to: number, relation: string, text: string) =>
    `<a rel="${relation}" href="${escapeHtml(`${path}${urlQueryOf(asked, to, others)}#repositories`)}">${text}</a>`;
  return `\n<nav class="pager" aria-label="Pages of the list">
${page > 1 ? link(page - 1, 'prev', 'Previous') : ''}
<span>Page ${page} of ${pages}</span>
${page < pages ? link(page + 1, 'next', 'Next') : ''}
</nav>`;
}

function itemOf({ repository, updatedAt }: CatalogueEntry): string {
  const { description } = repository;
  const about = description === '' ? '' : `\n<p>${escapeHtml(description)}</p>`;
  return `<li>
<h3>${repositoryLink(repository)}</h3>${about}
<p class="small">${ownerOf(repository)} · updated ${dayOf(updatedAt)}</p>
</li>`;
}

type Named = Pick<CatalogueEntry['repository'], 'pubkey' | 'identifier' | 'name'>;

/** A link to the page of a repository. */
export function repositoryLink({ pubkey, identifier, name }: Named): string {
  const path = `/${npubOf(pubkey)}/${encodeURIComponent(identifier)}`;
  return `<a href="${escapeHtml(path)}">${escapeHtml(name.trim() === '' ? identifier : name)}</a>`;
}

/** The owner's npub, short. */
export function ownerOf({ pubkey }: Pick<Named, 'pubkey'>): string {
  const npub = npubOf(pubkey);
  return `<code title="${npub}">${npub.slice(0, npubStart)}…${npub.slice(-npubEnd)}</code>`;
}

function dayOf(seconds: number): string {
  const day = isoTimeOf(seconds).split('T')[0] ?? '';
  return `<time datetime="${day}">${day}</time>`;
}
