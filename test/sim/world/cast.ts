import type { Random } from '../../../src/lib/random.js';
import { between, chance, pick, randomHex, sample } from '../random.js';

/** The name under which announcements list us. */
export const ownDomain = 'graspd.example';

/** A remote relay as the world knows it: one relay, and all the ways in which people write its URL. */
export type RelayPlan = { readonly url: string; readonly spellings: readonly string[] };

/** A repository and who has a say in it. */
export type RepositoryPlan = {
  readonly owner: string;
  readonly identifier: string;
  readonly maintainers: readonly string[];
  /** Whether its announcements list us. */
  readonly listsUs: boolean;
  readonly relays: readonly RelayPlan[];
};

/** Who and what there is, before anything is said. */
export type Cast = {
  readonly authors: readonly string[];
  readonly relays: readonly RelayPlan[];
  readonly repositories: readonly RepositoryPlan[];
};

export type CastSize = { readonly authors: number; readonly relays: number; readonly repositories: number };

export function drawCast(random: Random, size: CastSize): Cast {
  const authors = Array.from({ length: size.authors }, () => randomHex(random, 64));
  const relays = Array.from({ length: size.relays }, (_, index) => relayPlan(index));
  const repositories: RepositoryPlan[] = [];
  for (let index = 0; index < size.repositories; index++) {
    // Now and then a fork: the same identifier under another owner.
    const forked = chance(random, 0.15) && repositories.length > 0 ? pick(random, repositories) : undefined;
    const owner = pick(random, authors);
    const identifier = forked?.identifier ?? drawIdentifier(random, index);
    if (repositories.some((other) => other.owner === owner && other.identifier === identifier)) continue;
    repositories.push({
      owner,
      identifier,
      maintainers: sample(random, authors, pick(random, [0, 0, 1, 2])),
      listsUs: chance(random, 0.75),
      relays: sample(random, relays, between(random, 1, Math.min(4, relays.length))),
    });
  }
  return { authors, relays, repositories };
}

function drawIdentifier(random: Random, index: number): string {
  return pick(random, [`repo-${index}`, `repo-${index}`, `a:b:${index}`, `größe ${index}`, `.dots.${index}`]);
}

/** Every sixth relay is at a path, and every sixth at a port, of the host of the one before. */
function relayPlan(index: number): RelayPlan {
  if (index % 6 === 1) return onlyUrl(`wss://relay-${index - 1}.example/inner/`);
  if (index % 6 === 2) return onlyUrl(`wss://relay-${index - 2}.example:8443`);
  const host = `relay-${index}.example`;
  const url = `wss://${host}`;
  const spellings = [url, url, `${url}/`, `WSS://${host.toUpperCase()}`, `${url}:443/`, `wss://${host}.`];
  return { url, spellings: [...spellings, `wss://user:secret@${host}/#part`] };
}

/** A host that strangers name under a great many URLs; nothing is there. */
const crowdHost = 'crowd.example';

/** So many URLs of that host, which differ in path, query or port. */
export function crowdPlans(random: Random, count: number): RelayPlan[] {
  return Array.from({ length: count }, () => {
    const number = between(random, 1, 10_000);
    return onlyUrl(`wss://${crowdHost}${pick(random, [`/${number}`, `?n=${number}`, `:${8_000 + number}`])}`);
  });
}

export function isOfCrowd(url: string): boolean {
  return new URL(url).hostname === crowdHost;
}

function onlyUrl(url: string): RelayPlan {
  return { url, spellings: [url] };
}

/** The address of a repository's announcement, for `a` tags. */
export function addressOfPlan({ owner, identifier }: RepositoryPlan): string {
  return `30617:${owner}:${identifier}`;
}
