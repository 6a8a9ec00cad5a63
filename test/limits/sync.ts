import { limits } from '../../src/config/limits.js';
import { parseAnnouncement } from '../../src/nostr/repository.js';
import { announcedRepository } from '../../src/repositories/announced-repository.js';
import type { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { RootGraph } from '../../src/repositories/root-graph.js';
import type { EventStore } from '../../src/store/event-store.js';
import { PeerMissing } from '../../src/sync/catchup/peer-missing.js';
import { HeldMemory } from '../../src/sync/held-memory.js';
import { DialGates } from '../../src/sync/hosts/dial-gates.js';
import { HostBudget, HostBudgets } from '../../src/sync/hosts/host-budget.js';
import { StrangersLogger } from '../../src/sync/report/logger.js';
import type { RunLog } from '../../src/sync/report/run-log.js';
import { defaultSyncSettings } from '../../src/sync/settings.js';
import { Discovery } from '../../src/sync/topics/discovery.js';
import { People, rootSubject } from '../../src/sync/topics/people.js';
import type { CatchupBatch } from '../../src/sync/topics/topic-state.js';
import { plainEvent } from '../relay/fakes.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { endlessTurn } from '../support/work-turns.js';
import { type Entry, hex, many } from './entry.js';

const { signal } = new AbortController();

const own = { isNamedBy: () => false };

/** How many of these relays are connected to, that so many authors name. */
function tracked(urls: readonly string[]): number {
  const discovery = new Discovery({
    ownService: own,
    bootstrapRelays: [],
    relaysMax: defaultSyncSettings.relaysMax,
  });
  for (const url of urls) discovery.add([url], { author: url, standing: 'hosted' });
  return discovery.tracked().size;
}

/** How many of these dials run at once, of relays of which each failed so often in a row. */
async function dials(count: number, consecutiveFailures: number): Promise<number> {
  const gates = new DialGates(new VirtualClock());
  let running = 0;
  for (let at = 0; at < count; at += 1) {
    const dial = () => {
      running += 1;
      return new Promise<void>(() => {});
    };
    void gates.use(
      new HostBudget('party'),
      { consecutiveFailures, lastSuccessAt: undefined } as Parameters<DialGates['use']>[1],
      signal,
      dial,
    );
  }
  await settle();
  return running;
}

const noHomes = {
  joined: () => {},
  left: () => {},
  orphaned: () => {},
  adopted: () => {},
  removed: () => {},
};

/** The repositories that a root belongs to which refers to so many. */
function homes(addresses: number, rootsOf: (at: number) => string): number {
  const graph = new RootGraph(noHomes, endlessTurn);
  const root = hex(9_999);
  const numbers = many(addresses, (at) => graph.addRepository(`30617:${hex(at)}:a`));
  for (const at of numbers.keys()) {
    const by = rootsOf(at);
    graph.addReference(by, `30617:${hex(at)}:a`);
    if (by !== root) graph.addParent(root, by);
  }
  for (const at of numbers.keys()) if (rootsOf(at) !== root) graph.enterRoot(rootsOf(at));
  graph.enterRoot(root);
  return [...graph.repositoriesOf(graph.find(root))].length;
}

const serving = { serves: () => true, isOwnService: () => false, awaitsGitData: () => false };

function announced(tags: string[][]) {
  const event = plainEvent(1, { kind: 30617, tags: [['d', 'a'], ...tags] });
  return announcedRepository(event, parseAnnouncement(event), serving);
}

const longUrl = (chars: number) => 'wss://a.example/'.padEnd(chars, 'x');
const catchup = 'sync/catchup-world.test.ts';
const connections = 'sync/connections.test.ts';
const names = 'network/dns-resolver.test.ts';
/** What other relays send, and what is followed of what strangers name. */
export const syncEntries = {
  revivedRowsMax: {
    test: [
      'admission/admission-pipeline.test.ts',
      'is tried again a number at once, for however many reasons an event brings it back',
    ],
  },
  revivedRowsAtOnceMax: {
    pace: ['admission/admission-pipeline.test.ts', 'is tried again, however many others wait for the same'],
  },
  syncRelaysMax: {
    edge: (relays) => tracked(many(relays, (at) => `wss://${at}.example`)) === relays,
  },
  syncRelaysPerHostMax: { edge: (urls) => tracked(many(urls, (at) => `wss://a.example/${at}`)) === urls },
  syncRelaysPerDomainMax: {
    edge: (hosts) => tracked(many(hosts, (at) => `wss://${at}.a.example`)) === hosts,
  },
  syncRelaysPerAuthorMax: {
    test: [
      'sync/discovery.test.ts',
      '63 keys that claim to be hosted leave an archive the half of its places that it needs',
    ],
  },
  syncNamedRelaysMax: {
    edge: (relays) => {
      const discovery = new Discovery({
        ownService: { isNamedBy: () => false },
        bootstrapRelays: [],
        relaysMax: 1,
      });
      for (let at = 0; at < relays; at += 1)
        discovery.add([`wss://${at}.example`], { author: `${at}`, standing: 'hosted' });
      return discovery.isNamed(`wss://${relays - 1}.example`);
    },
  },
  syncDisplacementFactor: { pace: 'nothing more' },
  syncRelaysPerAnnouncementMax: {
    edge: (relays) =>
      announced([['relays', ...many(relays, (at) => `wss://${at}.example`)]]).relays.length === relays,
  },
  syncRelayUrlCharsMax: { edge: (chars) => announced([['relays', longUrl(chars)]]).relays.length === 1 },
  listedNameCharsMax: {
    edge: (chars) => announced([['name', 'x'.repeat(chars)]]).name === 'x'.repeat(chars),
  },
  listedDescriptionCharsMax: {
    edge: (chars) => announced([['description', 'x'.repeat(chars)]]).description === 'x'.repeat(chars),
  },
  syncRelayLabelsMax: {
    test: ['sync/relay-series.test.ts', 'are few and short, whatever is tracked and connected'],
  },
  syncReferencesPerRootMax: {
    edge: (references) => {
      const graph = new RootGraph(noHomes, endlessTurn);
      const [root, last] = [hex(1), `30617:${hex(2)}:last`];
      for (let at = 1; at < references; at += 1) graph.addReference(root, `30617:${hex(2)}:${at}`);
      graph.addReference(root, last);
      graph.addRepository(last);
      graph.enterRoot(root);
      return [...graph.repositoriesOf(graph.find(root))].length === 1;
    },
  },
  syncRootsPerTurnMax: { pace: 'nothing more' },
  syncReferringAtOnceMax: {
    pace: ['sync/stored-topics.test.ts', 'is read in later turns where very many roots refer to it'],
  },
  syncRootsPerChangeMax: { pace: 'nothing more' },
  syncTopicsPerPieceMax: {
    pace: [
      'sync/topic-delivery.test.ts',
      'a piece of one relay at a time, however much changed and wherever',
    ],
  },
  syncRepositoriesPerRootMax: {
    edge: (repositories) => homes(repositories, () => hex(9_999)) === repositories,
  },
  topicsMemoryBytesMax: {
    test: [
      'sync/crowded.test.ts',
      'has a bound: who has most is asked about repositories alone for a day, and others about all that they have',
    ],
  },
  syncOrphansMax: {
    edge: (roots) => {
      const graph = new RootGraph(noHomes, endlessTurn);
      for (let at = 0; at < roots; at += 1) graph.enterRoot(hex(at));
      return graph.orphans.size === roots;
    },
  },
  syncAuthorsPerTopicMax: {
    edge: (authors) => {
      const people = new People({ noteTopic: () => {} });
      for (let at = 0; at < authors; at += 1) people.add(hex(at), rootSubject(1), [7]);
      return [...people.topicsOfHome(7)].length === authors;
    },
  },
  syncAuthorEventsMax: {
    test: ['sync/stored-topics.test.ts', 'has the people of so many events that refer to it, the newest'],
  },
  syncDialsMax: { edge: async (count) => (await dials(count, 0)) === count },
  syncRetriesMax: { edge: async (count) => (await dials(count, 1)) === count },
  syncDialPlaceMsMax: { pace: [connections, 'dead hosts do not starve live ones'] },
  syncHostsRememberedMax: {
    edge: (hosts) => {
      const budgets = new HostBudgets();
      for (let at = 0; at < hosts; at += 1) {
        budgets.take(`wss://${at}.example`, false).failed(0, 0);
        budgets.giveBack(`wss://${at}.example`, false);
      }
      return budgets.hasFailed('0.example');
    },
  },
  syncTransfersMax: {
    test: [catchup, 'of all relays together, 16 batches that make progress, and 64 that make none'],
  },
  syncSlowTransfersMax: {
    test: [catchup, 'of all relays together, 16 batches that make progress, and 64 that make none'],
  },
  strangersLogLinesPerMinute: {
    edge: (count) => {
      const written: string[] = [];
      const note = (level: string) => () => void written.push(level);
      const all = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
      const logger = new StrangersLogger(all, new VirtualClock());
      for (let at = 0; at < count; at += 1) logger.info({}, 'connected');
      return !written.includes('debug');
    },
  },
  syncTransferTurnMs: {
    pace: [
      'sync/transfers.test.ts',
      'a batch ends its turn after a while where others wait, though it makes progress',
    ],
  },
  syncTransfersPerHostMax: {
    edge: async (batches) => {
      const host = new HostBudget('party');
      for (let at = 0; at < batches; at += 1)
        void host.transfers.use(signal, () => new Promise<void>(() => {}));
      await settle();
      return host.transfers.waiting === 0;
    },
  },
  syncProgressLookMs: {
    pace: [catchup, 'of all relays together, 16 batches that make progress, and 64 that make none'],
  },
  syncProgressBytesPerSecondMin: {
    pace: [catchup, 'of all relays together, 16 batches that make progress, and 64 that make none'],
  },
  syncProgressEventsPerSecondMin: {
    pace: [catchup, 'of all relays together, 16 batches that make progress, and 64 that make none'],
  },

  remotesMemoryBytesMax: {
    edge: (bytes) => {
      const memory = new HeldMemory();
      const shares = 1 / limits.remoteMemoryShareMax;
      const share = Math.floor(limits.remotesMemoryBytesMax / shares);
      const room = (at: number) => (at < shares ? share : bytes - shares * share);
      const places = bytes > shares * share ? shares + 1 : shares;
      return many(places, (at) => memory.ofConnection(`wss://${at}.example`, false).reserve(room(at))).every(
        (reservation) => reservation !== undefined,
      );
    },
  },
  domainMemoryShareMax: {
    test: [
      'sync/held-memory.test.ts',
      'has a share for a domain and a relay; one that the operator gave has its own',
    ],
  },
  remoteMemoryShareMax: {
    test: [
      'sync/held-memory.test.ts',
      'has a share for a domain and a relay; one that the operator gave has its own',
    ],
  },
  unservedMemoryBytesMax: {
    edge: (bytes) => {
      const memory = new HeldMemory();
      let isForgotten = false;
      const shares = 1 / limits.remoteMemoryShareMax;
      const share = Math.floor(limits.unservedMemoryBytesMax / shares);
      const room = (at: number) => (at < shares ? share : bytes - shares * share);
      const places = bytes > shares * share ? shares + 1 : shares;
      for (let at = 0; at < places; at += 1) {
        const forget = () => {
          isForgotten = true;
        };
        memory.ofUnserved(`wss://${at}.example`, false, forget).reserve(room(at));
      }
      return !isForgotten;
    },
  },

  nameLookupMsMax: { test: [names, 'no server answers: it is given up in time'] },
  nameTryMs: { pace: [names, 'no server answers: it is given up in time'] },
  nameTriesMax: { pace: [names, 'no server answers: it is given up in time'] },
  nameOtherFamilyMs: { test: [names, 'of one family hold up the addresses of the other for a moment only'] },
  nameAddressesMax: { test: [names, 'and of a name with a thousand addresses a few are tried'] },
  addressTryMs: { pace: 'nothing more' },
  peerMissingEventsReadMax: {
    edge: async (events) => {
      let read = 0;
      const store = {
        has: () => true,
        get: async () => {
          read += 1;
        },
      } as unknown as EventStore;
      const missing = new PeerMissing('wss://a.example', store, {} as RepositoryDirectory);
      missing.add(many(events, hex), {} as CatchupBatch, { peerMissing: () => {} } as unknown as RunLog);
      await missing.settled();
      return read === events;
    },
  },
} as const satisfies Record<string, Entry>;
