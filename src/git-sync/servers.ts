import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { urlOf } from '../config/url.js';
import { type Random, randomInteger } from '../lib/random.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
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

/** What the choice of servers stands on. */
export type ServerChoice = {
  /** Whether a URL is one of our own. */
  readonly isOwn: (url: string) => boolean;
  readonly random: Random;
  /** Anybody may name so many servers that to read all of their URLs takes long. */
  readonly turns: Pick<WorkTurns, 'isOver' | 'next'>;
};

/** The commit of a pull request, and where that says that it is to be had. */
type Proposal = { readonly objectId: string; readonly urls: readonly string[] };

/**
 * Whom to ask for what a repository lacks (git.md §4): the servers of the announcements, of which those come first that are
 * relays of it as well: GRASP servers. For commits of pull requests their own `clone` URLs come before these, but not all of
 * them before the first of these, for anybody can propose changes from servers that do not answer. Never ourselves.
 */
export async function serversFor(
  announcements: readonly Pick<Announcement, 'clone' | 'relays'>[],
  missing: readonly MissingObject[],
  choice: ServerChoice,
): Promise<NamedServers> {
  const { turns } = choice;
  const urlIn = spellingOfOthers(choice.isOwn);
  const announced = new Map<string, GitServer>();
  for (const text of await announcedUrls(announcements, turns)) {
    if (announced.size >= limits.gitServersMax) break;
    if (turns.isOver) await turns.next();
    const url = urlIn(text);
    if (url !== undefined) announced.set(url, { url, host: relayHost(url), objectIds: undefined });
  }
  const proposed = new Map<string, GitServer & { readonly objectIds: Set<string> }>();
  for (const { objectId, text } of inPlaces(await proposals(missing, choice))) {
    if (turns.isOver) await turns.next();
    const url = urlIn(text);
    if (url === undefined || announced.has(url)) continue;
    // Added to in place: thousands of commits may be at one server.
    const known = proposed.get(url);
    if (known !== undefined) known.objectIds.add(objectId);
    else if (proposed.size < limits.gitServersMax)
      proposed.set(url, { url, host: relayHost(url), objectIds: new Set([objectId]) });
  }
  const ofStates = [...announced.values()];
  return { ofStates, ofProposals: inTurns([...proposed.values()], ofStates) };
}

/** The first of each, the second of each, and so on. */
function inTurns(some: readonly GitServer[], others: readonly GitServer[]): GitServer[] {
  const places = Array.from({ length: Math.max(some.length, others.length) }, (_, place) => place);
  return places.flatMap((place) => [...some.slice(place, place + 1), ...others.slice(place, place + 1)]);
}

/** The URLs that announcements name, those of GRASP servers first. */
async function announcedUrls(
  announcements: readonly Pick<Announcement, 'clone' | 'relays'>[],
  turns: ServerChoice['turns'],
): Promise<string[]> {
  const ofGrasp: string[] = [];
  const others: string[] = [];
  for (const { clone, relays } of announcements) {
    const relayPlaces = new Set(relays.map(placeOf));
    for (const url of clone) {
      if (turns.isOver) await turns.next();
      const place = placeOf(url);
      const isGrasp = place !== undefined && relayPlaces.has(place);
      (isGrasp ? ofGrasp : others).push(url);
    }
  }
  return [...ofGrasp, ...others];
}

/** The host and port that a URL of a server or a relay leads to; `undefined` for all else. */
function placeOf(url: string): string | undefined {
  const place = hostPortOf(url);
  return place && `${place.host} ${place.port}`;
}

/**
 * The pull requests of whose URLs servers are chosen: all of them, or of very many those that come one after the other,
 * beginning elsewhere each time.
 */
async function proposals(
  missing: readonly MissingObject[],
  { random, turns }: ServerChoice,
): Promise<readonly Proposal[]> {
  const all: Proposal[] = [];
  for (const { objectId, clones } of missing) {
    for (const urls of clones) {
      if (turns.isOver) await turns.next();
      if (urls.length > 0) all.push({ objectId, urls: urls.slice(0, limits.gitServersMax) });
    }
  }
  const first = randomInteger(random, Math.max(1, all.length));
  const chosen: Proposal[] = [];
  let named = 0;
  for (const proposal of [...all.slice(first), ...all.slice(0, first)]) {
    named += proposal.urls.length;
    if (exceeds('gitProposedUrlsMax', named)) break;
    chosen.push(proposal);
  }
  return chosen;
}

/**
 * The URLs that pull requests name: the first of each, then the second, and so on. So however many somebody publishes, or
 * names in one, those of others come to their turn.
 */
function* inPlaces(
  chosen: readonly Proposal[],
): Generator<{ readonly objectId: string; readonly text: string }> {
  let left = chosen;
  for (let place = 0; left.length > 0; place += 1) {
    for (const { objectId, urls } of left) yield { objectId, text: urls[place] as string };
    left = left.filter(({ urls }) => urls.length > place + 1);
  }
}

/** Reads the URLs of servers that are not ours, each text once, however many name it. */
function spellingOfOthers(isOwn: ServerChoice['isOwn']): (text: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (text) => {
    if (known.has(text)) return known.get(text);
    const url = gitUrl(text);
    const spelled = url === undefined || isOwn(url) ? undefined : url;
    known.set(text, spelled);
    return spelled;
  };
}

/** How a server has done so far. */
export type ServerStanding = {
  /** How long it is left alone still, in milliseconds. */
  readonly restMs: number;
  /** When it failed, if it did the last time; monotonic. */
  readonly failedAt: number | undefined;
  /** Whether it had its turn in a round that was too long for all. */
  readonly hadTurn: boolean;
  /** Whether as much is fetched from its address as may be. */
  readonly isCrowded: boolean;
};

/**
 * Whom of them to ask next: not those that are left alone, and first those that had no turn in a round that was too long. Of
 * these, those that did not fail the last time, for the others may take long to fail again; else the one that failed the
 * longest ago. Of several the first whose host and address are free, if possible one that something came from before; else
 * where the fewest wait. `undefined` when all are left alone.
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
  const uncrowded = sound.filter(({ standing }) => !standing.isCrowded);
  const free = uncrowded.filter(({ host }) => !host.isBusy);
  const best = free.find(({ host }) => host.servedAt !== undefined) ?? free[0];
  const others = uncrowded.length > 0 ? uncrowded : sound;
  return (best ?? others.sort((a, b) => a.host.users - b.host.users)[0])?.server;
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
