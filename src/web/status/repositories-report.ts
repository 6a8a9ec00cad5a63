import { escapeHtml } from '../../http/pages/html.js';
import { isoTimeOf } from '../../lib/text/iso-time.js';
import type { CatalogueEntry, CataloguePage } from '../catalogue.js';
import { type Cell, table, tableRows } from '../html-table.js';
import type { ListQuery } from '../list-query.js';
import { countOf, ownerOf, pagerOf, repositoryLink, searchForm } from '../repository-list.js';
import type { RepositoriesReport, StatusSource } from './status-report.js';
import { figure, shortened, time } from './words.js';

/** What is said of the repositories of a page of the catalogue. */
export function repositoriesReport(
  found: CataloguePage,
  source: Pick<StatusSource, 'repository'>,
): RepositoriesReport {
  const { total, page, pages, entries } = found;
  const shown = entries.map(({ repository, updatedAt }) => ({
    ...source.repository(repository),
    name: repository.name,
    updated: isoTimeOf(updatedAt),
  }));
  return { total, page, pages, shown };
}

const columns = ['Repository', 'Owner', 'Events', 'Git data', 'Updated'];
const whyCharsMax = 200;

/** The same as a table, with search and the way to other pages. `others` goes with all links. */
export function repositoriesSection(
  asked: ListQuery,
  found: CataloguePage,
  report: RepositoriesReport,
  others: Readonly<Record<string, string>>,
): string {
  const rows = report.shown.map((each, index) => rowOf(each, found.entries[index] as CatalogueEntry));
  return `${searchForm('/status', asked, others, true)}
<p>${escapeHtml(countOf(asked, found))}</p>
${table({
  caption: 'Repositories and how complete they are',
  columns,
  rowsId: 'repositories-rows',
  rows: tableRows(rows, columns.length, 'None.'),
})}${pagerOf('/status', asked, found, others)}`;
}

function rowOf(report: RepositoriesReport['shown'][number], { repository }: CatalogueEntry): Cell[] {
  return [
    { html: repositoryLink(repository) },
    { html: ownerOf(repository) },
    eventsOf(report),
    gitDataOf(report),
    { html: time(report.updated) },
  ];
}

function eventsOf({ relays: { named, complete } }: RepositoriesReport['shown'][number]): Cell {
  if (named === 0) return 'names no other relay';
  const kind = complete === named ? 'good' : 'fair';
  return {
    html: `<span class="${kind}">complete with ${figure(complete)} of ${figure(named)} relays</span>`,
  };
}

function gitDataOf({ lacks }: RepositoriesReport['shown'][number]): Cell {
  if (lacks === undefined) return { html: '<span class="good">complete</span>' };
  const { objects, why } = lacks;
  const what = objects === undefined ? 'is looked at' : `lacks ${figure(objects)} objects`;
  return why === undefined ? what : `${what}: ${shortened(why, whyCharsMax)}`;
}
