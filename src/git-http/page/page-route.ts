import type { ServerResponse } from 'node:http';
import { limits } from '../../config/limits.js';
import { answer, answerText } from '../../http/answers.js';
import { type Asker, askerOf } from '../../http/asker.js';
import { pageHeaders } from '../../http/pages/html.js';
import { answerNotFound } from '../../http/pages/not-found.js';
import type { Route, RouteRequest } from '../../http/route.js';
import { errorCode } from '../../lib/errors.js';
import { FairSlots } from '../../lib/turns/fair-slots.js';
import { firstTagValue, type NostrEvent } from '../../nostr/event.js';
import { npubOf } from '../../nostr/keys.js';
import { repositoryAddress } from '../../nostr/repository.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import type { EventStore } from '../../store/event-store.js';
import { Kept } from '../kept.js';
import { repositoryPathStart, repositoryTarget } from '../sites/repository-target.js';
import type { ServedRepositories } from '../sites/served-repositories.js';
import { PageError } from './page-error.js';
import { cloneUrlsOf, linksOf, type PublicAddress } from './repository-links.js';
import { type RepositoryFacts, repositoryPage } from './repository-page.js';
import { type Read, RepositoryReads, type RepositoryReadsParts } from './repository-reads.js';
import { countRoots, type RootCounts } from './root-counts.js';

export type PageParts = RepositoryReadsParts & {
  readonly served: ServedRepositories;
  readonly directory: Pick<RepositoryDirectory, 'repositoryAt' | 'maintainersOf' | 'stateOf'>;
  readonly store: Pick<EventStore, 'get' | 'query' | 'idsInTurns' | 'authorOf'>;
  /** The announcement of a repository that waits for its git data, if there is one. */
  readonly heldAnnouncement: (repository: RepositoryId) => NostrEvent | undefined;
  readonly publicAddress: PublicAddress;
};

type Counted = { readonly counts: RootCounts; readonly atMs: number };
/** What a page is made of. */
type PageSource = Pick<RepositoryFacts, 'standing' | 'counts'> & {
  readonly announcement: NostrEvent | undefined;
  readonly read: Read;
  /** Public keys in hex. */
  readonly maintainers: readonly string[];
};
/** A page as it is sent, one for all who are, and what it was made of. */
type Made = { readonly page: Buffer; readonly of: readonly unknown[] };

/** The pages of repositories, at `/<npub>/<identifier>`, with or without `.git`. */
export class RepositoryPages {
  readonly route: Route;
  readonly #parts: PageParts;
  readonly #reads: RepositoryReads;
  readonly #counted = new Kept<Counted>({
    bytesMax: Number.POSITIVE_INFINITY,
    entriesMax: limits.pagesKeptMax,
    bytesOf: () => 0,
  });
  readonly #making = new FairSlots(limits.pagesMadeAtOnceMax);
  readonly #made = new Kept<Made>({
    bytesMax: limits.pagesKeptBytesMax,
    entriesMax: limits.pagesKeptMax,
    bytesOf: ({ page }) => page.length,
  });

  constructor(parts: PageParts) {
    this.#parts = parts;
    this.#reads = new RepositoryReads(parts);
    this.route = {
      matches: (path) => path.startsWith(repositoryPathStart) && repositoryTarget(path)?.rest === '',
      methods: ['GET'],
      handle: (request, response) => this.#handle(request, response),
    };
  }

  /** To be called after each change of a repository's refs or of its HEAD. */
  refsChanged(gitDir: string): void {
    this.#reads.refsChanged(gitDir);
  }

  async #handle({ path, message, addressGroup }: RouteRequest, response: ServerResponse): Promise<void> {
    const asker = askerOf(addressGroup, response);
    for (const repository of candidatesOf(path)) {
      const gitDir = await this.#parts.served.gitDirOf(repository);
      if (gitDir === undefined) continue;
      try {
        const page = await this.#pageOf(repository, gitDir, asker);
        const headers = { ...pageHeaders, 'Cache-Control': 'no-cache' };
        answer(response, 200, 'text/html; charset=utf-8', page, headers);
      } catch (error) {
        answerFailure(response, asker, error);
      }
      return;
    }
    answerNotFound(message, response, 'there is no such repository here');
  }

  /**
   * The page, which is made anew only when something of it has changed. Very many may have waited for what git says, or ask
   * at once: they go on one after the other, in turns.
   */
  async #pageOf(repository: RepositoryId, gitDir: string, asker: Asker): Promise<Buffer> {
    const { signal, party = 'unknown' } = asker;
    const read = await this.#reads.of(repository, gitDir, asker);
    return await this.#making.use(party, signal, async () => {
      const { turns } = this.#parts;
      if (turns.isOver) await turns.next(signal);
      return await this.#currentPage(repository, gitDir, read, asker);
    });
  }

  async #currentPage(repository: RepositoryId, gitDir: string, read: Read, asker: Asker): Promise<Buffer> {
    const { directory } = this.#parts;
    const address = repositoryAddress(repository.pubkey, repository.identifier);
    const { announcement, standing } = await this.#announcementOf(repository, address);
    const maintainers = [...directory.maintainersOf(repository)].slice(0, limits.pageMaintainersMax);
    const counts = await this.#countsOf(repository, address, asker);
    const of = [announcement?.id, standing, read, counts, maintainers.join()];
    const make = async (): Promise<Made> => {
      const facts = { announcement, standing, read, counts, maintainers };
      return { page: Buffer.from(repositoryPage(this.#factsOf(repository, facts))), of };
    };
    const made = await this.#made.get(gitDir, asker.signal, make);
    if (made.of.every((each, index) => each === of[index])) return made.page;
    this.#made.forget(gitDir);
    return (await this.#made.get(gitDir, asker.signal, make)).page;
  }

  #factsOf(
    repository: RepositoryId,
    { announcement, standing, read, counts, maintainers }: PageSource,
  ): RepositoryFacts {
    const { publicAddress } = this.#parts;
    const text = (name: string, charsMax: number) =>
      (announcement === undefined ? '' : (firstTagValue(announcement, name) ?? '')).slice(0, charsMax);
    return {
      name: text('name', limits.pageLineCharsMax) || repository.identifier,
      description: text('description', limits.pageDescriptionCharsMax),
      identifier: repository.identifier,
      owner: npubOf(repository.pubkey),
      maintainers: maintainers.map(npubOf),
      cloneUrls: cloneUrlsOf(repository, publicAddress),
      links: linksOf(repository, publicAddress),
      standing,
      lacking: read.lacking,
      contents: read.contents,
      counts,
    };
  }

  async #announcementOf(
    repository: RepositoryId,
    address: string,
  ): Promise<Pick<PageSource, 'announcement' | 'standing'>> {
    const { directory, store, heldAnnouncement } = this.#parts;
    const stored = directory.repositoryAt(address);
    const event = stored === undefined ? undefined : (await store.get(stored.eventId))?.event;
    if (stored === undefined || event === undefined) {
      return { announcement: heldAnnouncement(repository), standing: 'held' };
    }
    return { announcement: event, standing: stored.standing === 'archived' ? 'archived' : 'hosted' };
  }

  async #countsOf(repository: RepositoryId, address: string, { signal }: Asker): Promise<RootCounts> {
    const { directory, store, clock } = this.#parts;
    const count = async (): Promise<Counted> => {
      const counts = await countRoots(store, address, directory.maintainersOf(repository));
      return { counts, atMs: clock.monotonic() };
    };
    const counted = await this.#counted.get(address, signal, count);
    if (clock.monotonic() - counted.atMs <= limits.pageCountsAgeMsMax) return counted.counts;
    this.#counted.forget(address);
    return (await this.#counted.get(address, signal, count)).counts;
  }
}

/** Tells who asks why there is no page; whatever else fails is a fault of ours. */
function answerFailure(response: ServerResponse, { signal }: Asker, error: unknown): void {
  if (signal.aborted) return;
  if (error instanceof PageError) answerText(response, 500, error.message);
  else if (errorCode(error) === 'git_busy')
    answerText(response, 503, 'too many pages are being made; try again later');
  else throw error;
}

/** An identifier may itself end with `.git`. */
function candidatesOf(path: string): RepositoryId[] {
  const target = repositoryTarget(path);
  if (target === undefined) return [];
  const { repository, hasSuffix } = target;
  const whole = { ...repository, identifier: `${repository.identifier}.git` };
  return hasSuffix ? [repository, whole] : [repository];
}
