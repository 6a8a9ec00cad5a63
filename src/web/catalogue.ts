import { reaches } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { pubkeyOfNpub } from '../config/nip19.js';
import { unlessAborted } from '../lib/abort.js';
import { localAddressGroup } from '../lib/budgets/address-group.js';
import type { Clock } from '../lib/clock.js';
import { GraspError } from '../lib/errors.js';
import { FairSlots } from '../lib/turns/fair-slots.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { AnnouncedRepository } from '../repositories/announced-repository.js';
import type { RepositoryDirectory } from '../repositories/repository-directory.js';
import type { ListQuery } from './list-query.js';

export type CatalogueParts = {
  readonly directory: Pick<RepositoryDirectory, 'listed' | 'stateOf'>;
  /** Whether something of the repository lacks here. */
  readonly lacks: (repository: AnnouncedRepository) => boolean;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** In which it is made and searched. */
  readonly turns: WorkTurns;
};

/** A repository of the list. */
export type CatalogueEntry = {
  readonly repository: AnnouncedRepository;
  /** When it was announced, or its newest state was, in seconds since 1970. */
  readonly updatedAt: number;
};

/** A page of what was found. */
export type CataloguePage = {
  readonly entries: readonly CatalogueEntry[];
  /** How many were found in all. */
  readonly total: number;
  /** From 1; the last one where a later one was asked for. */
  readonly page: number;
  readonly pages: number;
};

/** Too many search already. A later try may succeed. */
export class SearchBusyError extends GraspError {
  constructor() {
    super('search_busy', 'too many are searching; try again in a moment', { retryable: true });
  }
}

/** Entries that are searched before it is asked whether the turn is over. */
const entriesPerLook = 256;

/**
 * The repositories that anybody can find here, those that changed last first, and the search in them. The list is made when
 * somebody asks and the last one is old, and searched one entry after the other, both in turns of the event loop: what
 * strangers search for costs spare time only.
 */
export class Catalogue {
  readonly #parts: CatalogueParts;
  readonly #searches = new FairSlots(limits.searchesAtOnceMax);
  #entries: readonly CatalogueEntry[] = [];
  #staleAtMs = Number.NEGATIVE_INFINITY;
  #making: Promise<void> | undefined;

  constructor(parts: CatalogueParts) {
    this.#parts = parts;
  }

  /**
   * A page of those in whose name, identifier, description or owner (an npub) all words are found, whatever their case.
   * `party` is who asks. Rejects with `SearchBusyError`, and with the signal's reason.
   */
  async find(query: ListQuery, party: string, signal: AbortSignal): Promise<CataloguePage> {
    if (query.text === '' && !query.lacking) {
      // The plain list is there for all, however many search.
      await unlessAborted(this.#refresh(), signal);
      return pageOf(this.#entries, query.page);
    }
    if (!this.#mayWait(party)) throw new SearchBusyError();
    return await this.#searches.use(party, signal, async () => {
      await unlessAborted(this.#refresh(), signal);
      return await this.#search(query, signal);
    });
  }

  /** Nobody takes all places of those who wait; who is on this machine, or comes by way of it, may be many. */
  #mayWait(party: string): boolean {
    if (reaches('searchesWaitingMax', this.#searches.waiting)) return false;
    if (party === localAddressGroup) return true;
    return !reaches('searchesWaitingPerAddressMax', this.#searches.waitingOf(party));
  }

  /** Makes the list anew where it is old; for all who ask meanwhile. */
  #refresh(): Promise<void> {
    if (this.#making === undefined && this.#parts.clock.monotonic() < this.#staleAtMs)
      return Promise.resolve();
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<void> {
    const { directory, clock, turns } = this.#parts;
    const beganAtMs = clock.monotonic();
    const entries: CatalogueEntry[] = [];
    for (const repository of directory.listed()) {
      const state = directory.stateOf(repository);
      entries.push({ repository, updatedAt: Math.max(repository.announcedAt, state?.created_at ?? 0) });
      // Who maintains it may be long to be found.
      if (turns.isOver) await turns.next();
    }
    entries.sort((a, b) => b.updatedAt - a.updatedAt);
    this.#entries = entries;
    const nowMs = clock.monotonic();
    const ageMs = Math.max(limits.catalogueAgeMsMax, limits.catalogueAgeFactor * (nowMs - beganAtMs));
    this.#staleAtMs = nowMs + ageMs;
  }

  async #search({ text, page, lacking }: ListQuery, signal: AbortSignal): Promise<CataloguePage> {
    const { lacks, turns } = this.#parts;
    const entries = this.#entries;
    const matches = matcherOf(text);
    const found: CatalogueEntry[] = [];
    for (const [index, entry] of entries.entries()) {
      if (index % entriesPerLook === 0 && turns.isOver) await turns.next(signal);
      if ((!lacking || lacks(entry.repository)) && matches(entry.repository)) found.push(entry);
    }
    return pageOf(found, page);
  }
}

function pageOf(found: readonly CatalogueEntry[], page: number): CataloguePage {
  const size = limits.listedRepositoriesMax;
  const pages = Math.max(1, Math.ceil(found.length / size));
  const shown = Math.min(page, pages);
  return { entries: found.slice((shown - 1) * size, shown * size), total: found.length, page: shown, pages };
}

/** Whether a repository has all words of a text. */
function matcherOf(text: string): (repository: AnnouncedRepository) => boolean {
  const words = text.split(' ').filter((word) => word !== '');
  const owners = words.map((word) => pubkeyOfNpub(word));
  const plain = words.filter((_, index) => owners[index] === undefined).map((word) => word.toLowerCase());
  const keys = owners.filter((owner) => owner !== undefined);
  return ({ pubkey, identifier, name, description }) => {
    if (keys.some((key) => key !== pubkey)) return false;
    if (plain.length === 0) return true;
    const all = `${identifier}\n${name}\n${description}`.toLowerCase();
    return plain.every((word) => all.includes(word));
  };
}
