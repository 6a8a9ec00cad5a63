import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { urlOf } from '../config/url.js';
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
  urls.sort((a, b) => Number(b.isGrasp) - Number(a.isGrasp));
  for (const { url } of urls) add(announced, url, isOwn);
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

/** How a server has done so far. */
export type ServerStanding = {
  /** How long it is left alone still, in milliseconds. */
  readonly restMs: number;
  /** When it failed, if it did the last time; monotonic. */
  readonly failedAt: number | undefined;
  /** Whether it had its turn in a round that was too long for all. */
  readonly hadTurn: boolean;
};

/**
 * Whom of them to ask next: not those that are left alone, and first those that had no turn in a round that was too long. Of
 * these, those that did not fail the last time, for the others may take long to fail again; else the one that failed the
 * longest ago. Of several the first whose host is free, if possible one that something came from before; else where the
 * fewest wait. `undefined` when all are left alone.
 */
export function nextServer(
  servers: Iterable<GitServer>,
  hosts: Pick<GitHosts, 'of'>,
  standingOf: (server: GitServer) => ServerStanding,
): GitServer | undefined {
  const willing = [...servers]
    .map((server) => ({ server, host: hosts.of(server.host), standing: standingOf(server) }))
    .filter(({ standing }) => standing.restMs === 0);
  const waiting = willing.filter(({ standing }) => !standing.hadTurn);
  const first = waiting.length > 0 ? waiting : willing;
  const failedAt = ({ standing }: (typeof willing)[number]) => standing.failedAt ?? 0;
  const sound = first.filter((one) => one.standing.failedAt === undefined);
  if (sound.length === 0) return first.sort((a, b) => failedAt(a) - failedAt(b))[0]?.server;
  const free = sound.filter(({ host }) => !host.isBusy);
  const best = free.find(({ host }) => host.servedAt !== undefined) ?? free[0];
  return (best ?? sound.sort((a, b) => a.host.users - b.host.users)[0])?.server;
}

/** The one spelling of the URL of a repository over HTTP; `undefined` for all else. */
export function gitUrl(text: string): string | undefined {
  const url = exceeds('urlCharsMax', text.length) ? undefined : urlOf(text);
  if (url === undefined) return undefined;
  const { protocol, username, password, host, hostname, pathname } = url;
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  if (hostname === '') return undefined;
  let end = pathname.length;
  while (end > 0 && pathname[end - 1] === '/') end -= 1;
  const spelled = `${protocol}//${host}${pathname.slice(0, end)}`;
  return exceeds('urlCharsMax', spelled.length) ? undefined : spelled;
}

function isGrasp(url: string, { relays }: Pick<Announcement, 'relays'>): boolean {
  const server = hostPortOf(url);
  if (server === undefined) return false;
  return relays.some((relay) => {
    const named = hostPortOf(relay);
    return named?.host === server.host && named.port === server.port;
  });
}
