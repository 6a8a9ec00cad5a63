import { limits } from '../config/limits.js';
import { type Random, randomInteger } from '../lib/random.js';
import { hostPortOf, relayHost } from '../nostr/relay-url.js';
import type { Announcement } from '../nostr/repository.js';
import type { GitHosts } from './git-hosts.js';
import type { MissingObject } from './missing-objects.js';

/** A repository at a git server that may have objects that ours lacks. */
export type GitServer = {
  /** http or https, without credentials and without `/` at its end. */
  readonly url: string;
  /** The one party behind all URLs that have it. */
  readonly host: string;
  /** Only these objects are asked for there; `undefined`: all. */
  readonly objectIds: ReadonlySet<string> | undefined;
};

/** Whom to ask, the best first, for what states name and for what only pull requests do. */
export type NamedServers = {
  readonly ofStates: readonly GitServer[];
  readonly ofProposals: readonly GitServer[];
};

/**
 * Whom to ask for what a repository lacks (git.md §4): the servers of the announcements, of which those come first that are
 * relays of it as well: GRASP servers. For commits of pull requests their own `clone` URLs come before these, but not all of
 * them before the first of these, for anybody can propose changes from servers that do not answer. Never ourselves, as
 * `isOwn` tells of a URL.
 */
export function serversFor(
  announcements: readonly Pick<Announcement, 'clone' | 'relays'>[],
  missing: readonly MissingObject[],
  isOwn: (url: string) => boolean,
  random: Random,
): NamedServers {
  const urls = announcements.flatMap((announcement) =>
    announcement.clone.map((url) => ({ url, isGrasp: isGrasp(url, announcement) })),
  );
  const announced = new Map<string, GitServer>();
  for (const { url } of [...urls.filter(({ isGrasp }) => isGrasp), ...urls]) add(announced, url, isOwn);
  const proposed = new Map<string, GitServer>();
  for (const { objectId, url } of proposedUrls(missing, random)) add(proposed, url, isOwn, objectId);
  for (const url of announced.keys()) proposed.delete(url);
  const ofStates = [...announced.values()];
  return { ofStates, ofProposals: inTurns([...proposed.values()], ofStates) };
}

/** The first of each, the second of each, and so on. */
function inTurns(some: readonly GitServer[], others: readonly GitServer[]): GitServer[] {
  const places = Array.from({ length: Math.max(some.length, others.length) }, (_, place) => place);
  return places.flatMap((place) => [...some.slice(place, place + 1), ...others.slice(place, place + 1)]);
}

/**
 * The URLs that pull requests name: the first of each, then the second, and so on, beginning elsewhere each time. So however
 * many somebody publishes, or names in one, those of others come to their turn.
 */
function* proposedUrls(missing: readonly MissingObject[], random: Random) {
  const lists = missing.flatMap(({ objectId, clones }) => clones.map((urls) => ({ objectId, urls })));
  const first = randomInteger(random, Math.max(1, lists.length));
  const turned = [...lists.slice(first), ...lists.slice(0, first)];
  for (let place = 0; place < limits.gitServersMax; place += 1) {
    for (const { objectId, urls } of turned) {
      const url = urls[place];
      if (url !== undefined) yield { objectId, url };
    }
  }
}

function add(
  servers: Map<string, GitServer>,
  text: string,
  isOwn: (url: string) => boolean,
  objectId?: string,
): void {
  const url = gitUrl(text);
  if (url === undefined || isOwn(url)) return;
  const known = servers.get(url);
  if (known === undefined && servers.size >= limits.gitServersMax) return;
  const objectIds = objectId === undefined ? undefined : new Set([...(known?.objectIds ?? []), objectId]);
  servers.set(url, { url, host: relayHost(url), objectIds });
}

/**
 * Whom of them to ask next: not those that are left alone; of the others the first that is free, if possible one that
 * something came from before; else where the fewest wait. `undefined` when all are left alone.
 */
export function nextServer(
  servers: Iterable<GitServer>,
  hosts: Pick<GitHosts, 'of'>,
  restMs: (server: GitServer) => number,
): GitServer | undefined {
  const willing = [...servers]
    .filter((server) => restMs(server) === 0)
    .map((server) => ({ server, host: hosts.of(server.host) }));
  const free = willing.filter(({ host }) => !host.isBusy);
  const best = free.find(({ host }) => host.servedAt !== undefined) ?? free[0];
  return (best ?? willing.sort((a, b) => a.host.users - b.host.users)[0])?.server;
}

/** The one spelling of the URL of a repository over HTTP; `undefined` for all else. */
export function gitUrl(text: string): string | undefined {
  if (text.length > limits.urlCharsMax || !URL.canParse(text)) return undefined;
  const { protocol, username, password, host, hostname, pathname } = new URL(text);
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  if (hostname === '') return undefined;
  let end = pathname.length;
  while (end > 0 && pathname[end - 1] === '/') end -= 1;
  return `${protocol}//${host}${pathname.slice(0, end)}`;
}

function isGrasp(url: string, { relays }: Pick<Announcement, 'relays'>): boolean {
  const server = hostPortOf(url);
  if (server === undefined) return false;
  return relays.some((relay) => {
    const named = hostPortOf(relay);
    return named?.host === server.host && named.port === server.port;
  });
}
