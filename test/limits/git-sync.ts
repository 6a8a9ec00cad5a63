import { Registry } from 'prom-client';
import { RemoteRefusal } from '../../src/git-protocol/errors.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { type AnnouncementSources, announcementsOf } from '../../src/git-sync/announcements.js';
import { GitHosts } from '../../src/git-sync/git-hosts.js';
import { GitSyncMetrics } from '../../src/git-sync/git-sync-metrics.js';
import { type MissingObjectsParts, missingObjects } from '../../src/git-sync/missing-objects.js';
import type { GitHttpClient } from '../../src/git-sync/remote/git-http-client.js';
import { ServerSession } from '../../src/git-sync/remote/server-session.js';
import type { FetchOutcome } from '../../src/git-sync/remote.js';
import { Search } from '../../src/git-sync/search.js';
import { SearchMemories, SearchMemory } from '../../src/git-sync/search-memory.js';
import { ServerRecords } from '../../src/git-sync/server-records.js';
import { serversFor } from '../../src/git-sync/servers.js';
import { seededRandom } from '../../src/lib/random.js';
import { plainEvent } from '../relay/fakes.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex, many } from './entry.js';
import { asks, foundWhole, objectId } from './server-fetches.js';

const id = 'a'.repeat(40);
const endless = { isOver: false, next: async () => {} };

/** Whether the answer of a server in which it says what it has is read. */
async function isAdvertisement(lines: readonly string[]): Promise<boolean> {
  async function* advertisement() {
    for (let from = 0; from < lines.length; from += 1_000)
      yield Buffer.concat(lines.slice(from, from + 1_000).map((line) => pktLine(line)));
    yield flushPkt;
  }
  const client = { advertisement: async () => advertisement() } as unknown as GitHttpClient;
  return await ServerSession.open(client, []).then(
    () => true,
    () => false,
  );
}

const repository = { pubkey: hex(1), identifier: 'a' };

/** How many objects are looked for that so many held states, and so many pull requests, name: one each. */
async function lookedFor(states: number, pullRequests: number): Promise<number> {
  const held = many(states, (at) => ({
    event: plainEvent(at, { pubkey: hex(1), kind: 30_618 }),
    refs: new Map([['refs/heads/main', objectId(at)]]),
  }));
  const proposed = many(pullRequests, (at) => ({
    event: plainEvent(at, {
      kind: 1_618,
      tags: [
        ['a', `30617:${hex(1)}:a`],
        ['c', objectId(at)],
      ],
    }),
  }));
  const directory = {
    maintainersAmong: () => new Set([hex(1)]),
    stateOf: () => undefined,
    isAnnounced: () => false,
  };
  const purgatory = { statesBy: () => held, pullRequestsOf: () => proposed };
  const repositories = { pathOf: () => '/', exists: async () => false };
  const parts = { directory, purgatory, repositories } as unknown as MissingObjectsParts;
  return (await missingObjects(parts, repository)).length;
}

const remote = 'git-sync/http-git-remote.test.ts';

const dataSync = 'git-sync/git-data-sync.test.ts';

const rounds = 'git-sync/server-rounds.test.ts';

/** What other git servers send, and what is remembered of them. */
export const gitSyncEntries = {
  gitSyncedDelayMs: {
    pace: [
      dataSync,
      'is asked for half a second after a synced event, three minutes after a submitted one, unless both come',
    ],
  },
  gitSubmittedDelayMs: {
    pace: [
      dataSync,
      'is asked for half a second after a synced event, three minutes after a submitted one, unless both come',
    ],
  },
  gitRetryMsMin: {
    pace: [
      dataSync,
      'is tried again after 20, 40, 80 and 120 seconds while it is new, and then up to half an hour',
    ],
  },
  gitNewsRetryMsMax: {
    pace: [
      dataSync,
      'is tried again after 20, 40, 80 and 120 seconds while it is new, and then up to half an hour',
    ],
  },
  gitRetryMsMax: {
    pace: [
      dataSync,
      'is tried again after 20, 40, 80 and 120 seconds while it is new, and then up to half an hour',
    ],
  },
  gitRetryJitter: { pace: 'nothing more' },
  gitNewsMsMax: {
    pace: [
      dataSync,
      'is tried again after 20, 40, 80 and 120 seconds while it is new, and then up to half an hour',
    ],
  },
  gitNewsAgainMsMin: {
    pace: [dataSync, 'begins its quick tries anew at a bounded rate, however much new is named'],
  },
  gitEventLooksPerMinute: {
    pace: [dataSync, 'begins its quick tries anew at a bounded rate, however much new is named'],
  },
  gitEventLooksAtOnceMax: {
    test: [dataSync, 'begins its quick tries anew at a bounded rate, however much new is named'],
  },
  gitNamesRememberedMax: {
    edge: (names) => {
      const clock = new VirtualClock();
      const search = new Search(repository, new SearchMemory(clock), clock);
      const missing = many(names, (at) => ({ objectId: objectId(at), pullRequestIds: [], clones: [] }));
      search.learn(missing.slice(1), []);
      search.ofStates.isDue = false;
      // The one that is new stands last.
      search.learn([...missing.slice(1), ...missing.slice(0, 1)], []);
      return search.ofStates.isDue;
    },
  },
  gitSearchesRememberedMax: {
    edge: (searches) => {
      const memories = new SearchMemories(new VirtualClock());
      const first = memories.of('0');
      for (let at = 1; at < searches; at += 1) memories.of(`${at}`);
      return memories.of('0') === first;
    },
  },
  gitRoundMsMax: {
    test: [rounds, 'that sends little is not waited for when a state comes, nor for longer than a round'],
  },
  gitServerRestMsMin: {
    pace: [rounds, 'that sent what is of no use rests for that repository alone, and for what was asked for'],
  },
  gitServerRestMsMax: {
    pace: [rounds, 'that sent what is of no use rests for that repository alone, and for what was asked for'],
  },
  gitTooMuchRestMsMax: { pace: 'nothing more' },
  gitServersRememberedMax: {
    edge: (servers) => {
      const records = new ServerRecords(new VirtualClock());
      for (let at = 0; at < servers; at += 1) records.failed(`https://${at}.example`, 'invalid');
      return records.failedAt('https://0.example') !== undefined;
    },
  },
  gitCopiesPatienceMs: {
    pace: [
      dataSync,
      'has servers asked where copies from other repositories take long, which keeps nobody else waiting',
    ],
  },
  gitLooksAtOnceMax: { pace: 'nothing more' },
  gitHostFetchesAtOnceMax: {
    test: [dataSync, 'is asked for five repositories at once, and for no more than so many a minute'],
  },
  gitHostPaceMs: {
    pace: [dataSync, 'is asked for five repositories at once, and for no more than so many a minute'],
  },
  gitHostRestMsMax: {
    pace: [dataSync, 'that fails rests, for all repositories that name it, and others are asked meanwhile'],
  },
  gitRetryAfterMsMax: { pace: [dataSync, 'that says when to come back is left alone until then'] },
  gitHostsRememberedMax: {
    edge: async (count) => {
      const clock = new VirtualClock();
      const hosts = new GitHosts(clock, { fetchesPerMinute: () => 1 } as unknown as ConstructorParameters<
        typeof GitHosts
      >[1]);
      const first = hosts.of('0');
      for (let at = 1; at < count; at += 1) hosts.of(`${at}`);
      return hosts.of('0') === first;
    },
  },
  gitServersMax: {
    test: [
      'git-sync/servers.test.ts',
      'are a bounded number, of which pull requests take none from the announcements',
    ],
  },
  gitProposedUrlsMax: {
    edge: async (urls) => {
      const missing = many(urls, (at) => ({
        objectId: `${at}`,
        pullRequestIds: [''],
        clones: [['https://a/r']],
      }));
      const choice = { isOwn: () => false, random: seededRandom(1), turns: endless };
      const { ofProposals } = await serversFor([], missing, choice);
      return ofProposals[0]?.objectIds?.size === urls;
    },
  },
  gitAnnouncementsMax: {
    edge: async (maintainers) => {
      const sources = {
        directory: {
          maintainersOf: () => [hex(1), ...many(maintainers, (at) => hex(at + 2))],
          repositoryAt: () => undefined,
        },
        purgatory: {
          announcementOf: () => ({ event: plainEvent(1, { kind: 30_617, tags: [['d', 'a']] }) }),
        },
      } as unknown as AnnouncementSources;
      return (await announcementsOf(sources, repository)).length === maintainers + 1;
    },
  },
  gitStatesFetchedMax: { edge: async (states) => (await lookedFor(states, 0)) === states },
  gitMissingObjectsMax: { edge: async (objects) => (await lookedFor(0, objects)) === objects },
  gitAdvertisementMsMax: { test: [remote, 'that never answers, or sends a byte now and then, ends as slow'] },
  gitFetchSpanMs: { test: [remote, 'that never answers, or sends a byte now and then, ends as slow'] },
  gitFetchSpanBytesMin: { test: [remote, 'that never answers, or sends a byte now and then, ends as slow'] },
  gitAwaitedFetchSpanBytesMin: { test: [remote, 'that sends 1 kB a second is ended while others wait (%s)'] },
  gitFetchesHeldMsMax: {
    test: [rounds, 'for %s come free one after the other when all are held for long while others wait'],
  },
  gitRemoteRefsBytesMax: {
    edge: (bytes) => {
      // Capabilities, with the four digits before each line and the flush behind the last one.
      const size = 65_000;
      const rest = bytes - flushPkt.length - 'version 2'.length - 4;
      const full = Math.floor(rest / size);
      const sizes = [...many(full, () => size - 4), rest - full * size - 4];
      return isAdvertisement(['version 2', ...sizes.map((chars, at) => `${at}=`.padEnd(chars, 'x'))]);
    },
  },
  gitRemoteRefsMax: { edge: (refs) => isAdvertisement(many(refs, (at) => `${id} refs/heads/${at}`)) },
  gitHavesMax: {
    edge: async (refs) => {
      let told = 0;
      await asks(1, refs, (_, haves) => {
        told = haves.length;
      });
      return told === refs;
    },
  },
  gitRefusedWantsMax: {
    edge: async (refusals) => {
      let refused = 0;
      let isAskedAgain = false;
      await asks(refusals + 1, 0, ([first = '']) => {
        if (refused === refusals) isAskedAgain = true;
        else {
          refused += 1;
          throw new RemoteRefusal(`not our ref ${first}`);
        }
      });
      return isAskedAgain;
    },
  },
  gitLoneChecksMax: { edge: async (objects) => (await foundWhole(objects, 0)) === objects },
  // The second is begun within that time.
  gitLoneChecksMsMax: { edge: async (ms) => (await foundWhole(2, ms - 1)) === 2 },
  gitFetchObjectsMax: { test: [remote, 'that sends a pack without end is stopped at the limit'] },
  gitHostLabelsMax: {
    edge: async (hosts) => {
      const registry = new Registry();
      const metrics = new GitSyncMetrics(registry, new VirtualClock());
      const failed = { type: 'failed', failure: 'slow', bytes: 0 } as unknown as FetchOutcome;
      for (let at = 1; at <= hosts; at += 1) metrics.countFetch(`${at}.example`, failed);
      return (await registry.metrics()).includes(`host="${hosts}.example"`);
    },
  },
} as const satisfies Record<string, Entry>;
