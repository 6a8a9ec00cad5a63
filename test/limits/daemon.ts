import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type BackupParts, makeBackup } from '../../src/backup/backup.js';
import { BackupError } from '../../src/backup/errors.js';
import type { Quarantine } from '../../src/git/objects/quarantine.js';
import { salvageObjects } from '../../src/git/objects/salvage-objects.js';
import { drain } from '../../src/http/drain.js';
import { watchPieces } from '../../src/network/body-pieces.js';
import { listQueryOf } from '../../src/web/list-query.js';
import { scratchFolder } from '../git/scratch.js';
import { serveHttp } from '../support/http-service.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, many } from './entry.js';

/** Whether a request with so many headers is answered as any. */
async function isServed(headers: number): Promise<boolean> {
  const { service, port } = await serveHttp({});
  await using _ = service;
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /healthz HTTP/1.0\r\n${many(headers, (at) => `A-${at}: x\r\n`).join('')}\r\n`);
  return (await text(socket)).startsWith('HTTP/1.1 200 ');
}

const lowered = 'limits/lowered.test.ts';
const service = 'http/http-service.test.ts';
const descriptors = 'daemon/descriptors.test.ts';
const feed = 'web/status-feed.test.ts';
const catalogue = 'web/catalogue.test.ts';
const restore = 'backup/restore.test.ts';
const control = 'control/control-socket.test.ts';

const links = 'daemon/nodes/links.test.ts';
const passOn = 'daemon/nodes/pass-on.test.ts';

/** The port, its pages, and the process with its commands. */
export const daemonEntries = {
  followersMax: { test: [links, 'are as many as may follow, and no more'] },
  followersToldMs: { pace: [links, 'tell of what was written, passed on and blocked'] },
  followerLookMs: {
    pace: ['daemon/nodes/followed-feed.test.ts', 'is looked for now and then without a word'],
  },
  nodePingMs: { pace: 'nothing more' },
  nodePatienceMs: { test: [links, 'give up a connection on which the one that writes says nothing more'] },
  nodeAnswerMsMax: { test: [links, 'say so of an event when nobody has taken it for a while'] },
  nodeRetryMsMin: { pace: 'nothing more' },
  nodeRetryMsMax: { pace: 'nothing more' },
  nodeEventsInFlightMax: {
    test: [links, 'wait for room: one that has none is sent no more than may be on its way'],
  },
  nodeMessageBytesMax: { pace: 'nothing more' },
  nodeSendBytesMax: { test: [links, 'end with one that does not read what it is sent'] },
  nodeRequestsMax: { test: [passOn, 'have half of the places where they are of one address'] },
  nodeRequestsWaitingMax: { test: [passOn, 'have half of the places where they are of one address'] },
  loopTurnMs: {
    pace: [
      'lib/turn-scheduler.test.ts',
      'shrinks when everything else makes the turns long, and grows again',
    ],
  },
  backgroundSliceMsMin: {
    pace: [
      'lib/turn-scheduler.test.ts',
      'shrinks when everything else makes the turns long, and grows again',
    ],
  },
  backgroundSliceMsMax: {
    pace: [
      'lib/turn-scheduler.test.ts',
      'shrinks when everything else makes the turns long, and grows again',
    ],
  },
  expirySweepIntervalMs: { pace: 'nothing more' },
  expiredHiddenAtOnceMax: {
    test: ['store/expiry-turns.test.ts', 'is out of all answers in a few turns where it is very much'],
  },
  departuresToldAtOnceMax: {
    pace: ['admission/admission-pipeline.test.ts', 'what expires at once is told of a piece at a time'],
  },
  diskLookIntervalMs: {
    pace: [
      'daemon/disk-floor.test.ts',
      'is met when the fuller disk goes below it, and left by itself with a margin',
    ],
  },
  diskFilesFreeMin: { test: ['lib/disk-space.test.ts', 'of one that %s'] },
  diskFilesFreeShareMin: { test: ['lib/disk-space.test.ts', 'of one that %s'] },
  diskFloorMargin: {
    test: [
      'daemon/disk-floor.test.ts',
      'is met when the fuller disk goes below it, and left by itself with a margin',
    ],
  },

  httpHeaderBytesMax: { test: [service, 'is answered with CORS and closed: %#'] },
  httpHeadersMax: { edge: isServed },
  httpHeadersMsMax: { test: [lowered, 'ends when the headers of its request do not come'] },
  httpRequestMsMax: { test: [lowered, 'ends when the rest of its request does not come'] },
  httpBodyPiecesMax: {
    edge: (pieces) => {
      const message = new EventEmitter();
      let isOpen = true;
      watchPieces(message as unknown as IncomingMessage, () => {
        isOpen = false;
      });
      for (let count = 0; count < pieces; count += 1) message.emit('data', Buffer.of(1));
      return isOpen;
    },
  },
  httpBodyPieceBytesMin: {
    test: ['http/body-pieces.test.ts', 'are as many as it takes where there is enough in them'],
  },
  httpSmallPiecesMs: {
    test: ['http/body-pieces.test.ts', 'shut out the address that goes on with them, for a while'],
  },
  httpDrainBytesMax: {
    edge: (bytes) => {
      let isOpen = true;
      const socket = {
        destroy: () => {
          isOpen = false;
        },
      };
      const headers = { 'content-length': `${bytes}` };
      const message = Object.assign(new EventEmitter(), {
        complete: false,
        headers,
        socket,
        resume: () => {},
      });
      drain(message as unknown as IncomingMessage, new VirtualClock(), () => {});
      message.emit('data', Buffer.allocUnsafe(bytes));
      return isOpen;
    },
  },
  httpDrainMsMax: { test: [service, 'the body of %s, which nobody asked for, is waited for a little only'] },
  httpTimeCheckMs: { pace: 'nothing more' },
  httpKeepAliveMs: { test: [lowered, 'ends when nothing is asked after an answer'] },
  httpPipelinedMax: { test: [service, 'are answered up to a number, above which the connection ends'] },
  httpRequestsPerTurn: {
    pace: ['http/request-turns.test.ts', 'are begun in later turns, a few in each, where they cost more'],
  },
  httpUnreadBytesMax: {
    test: ['http/unread-answers.test.ts', 'give way where there is no room, those of whom most is held'],
  },
  httpReadMsMax: { test: ['http/unread-answers.test.ts', 'are ended by and by'] },
  httpMetricsAgeMsMax: { pace: [service, 'do not have the metrics gathered again and again'] },
  httpCloseMsMax: { test: [service, 'closes in bounded time with requests in hand and sockets open'] },
  httpSpareConnectionsMax: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  httpRefusedConnectionsMax: {
    test: [service, 'are closed when they ask nothing, and at once when they are many'],
  },
  httpRefusedMsMax: { test: [service, 'are closed when they ask nothing, and at once when they are many'] },
  httpRetryAfterSeconds: {
    pace: [service, 'are told to come later, idle ones count too, and there is room when they go'],
  },
  listedRepositoriesMax: { test: [catalogue, 'gives one page, the last one where there are fewer'] },
  searchCharsMax: {
    edge: (chars) => listQueryOf(new URLSearchParams({ q: 'x'.repeat(chars) })).text.length === chars,
  },
  searchesAtOnceMax: { test: [catalogue, 'refuses when too many search, and forgets those who left'] },
  searchesWaitingMax: { test: [catalogue, 'refuses when too many search, and forgets those who left'] },
  searchesWaitingPerAddressMax: {
    test: [catalogue, 'has places for others, however many searches of one wait'],
  },
  catalogueAgeMsMax: { pace: [catalogue, 'is made anew only when it is old, and never for nobody'] },
  catalogueAgeFactor: { pace: 'nothing more' },
  statusAgeMsMax: { pace: ['web/status-routes.test.ts', 'is made once for all who load it within a moment'] },
  statusIntervalMs: { pace: [feed, 'sends the whole page at first, and then what is new'] },
  statusHeartbeatMs: {
    pace: [feed, 'sends something now and then, so that nobody on the way takes the connection for dead'],
  },
  statusReadersMax: { test: [feed, 'has a bounded number of readers, in all and of one address'] },
  statusReadersPerAddressMax: { test: [feed, 'has a bounded number of readers, in all and of one address'] },
  statusReaderBytesMax: { test: [feed, 'lets go who reads too slowly, and nobody else'] },
  statusRelaysMax: { pace: 'nothing more' },
  throughputIntervalMs: {
    pace: [
      'daemon/throughput.test.ts',
      'is what counters grew by in each minute, and so far in the one that runs',
    ],
  },
  throughputSamplesMax: { test: ['daemon/throughput.test.ts', 'is kept for a day'] },

  importLineBytesMax: {
    test: [
      'import/import-run.test.ts',
      'says of a line that is too long that it cannot read on, and what became of those before',
    ],
  },
  importBatchEventsMax: { pace: 'nothing more' },
  importReportMs: { pace: ['import/import-run.test.ts', 'tells now and then how far it is'] },
  backupReadEventsMax: { pace: 'nothing more' },
  backupReadBytesMax: { pace: 'nothing more' },
  backupLinesBytesMin: {
    test: [restore, 'takes no memory for a file of records, or a line of refs, that no backup has'],
  },
  backupEventsMsMax: {
    edge: async (ms) => {
      using folder = scratchFolder();
      const clock = new VirtualClock();
      const image = {
        lastSequence: 1,
        async *events() {
          await clock.advance(ms);
          yield [];
        },
        async *journal() {},
        async *others() {},
        [Symbol.asyncDispose]: async () => {},
      };
      const repositories = {
        makeWorkFolder: async () => folder.path,
        async *list() {},
        async *listPrs() {},
      };
      const idle = { image: async () => image, repositories, clock, size: () => 0, onMoment: () => {} };
      const parts = { ...idle, domain: 'a', turns: { isOver: false } } as unknown as BackupParts;
      try {
        for await (const _ of makeBackup(parts, new AbortController().signal));
        return true;
      } catch (error) {
        if (!(error instanceof BackupError)) throw error;
        return false;
      }
    },
  },
  backupNoteBytesMax: {
    test: [
      'backup/archive.test.ts',
      'has no entries but files, folders and links, and no header that makes a reader take memory',
    ],
  },
  restoredRefBytesMax: {
    test: [restore, 'takes no memory for a file of records, or a line of refs, that no backup has'],
  },
  restoreBatchEventsMax: { pace: 'nothing more' },
  restoreGitMsMax: {
    edge: async (ms) => {
      using folder = scratchFolder();
      const given: number[] = [];
      const quarantine = {
        gitDir: folder.path,
        folders: { write: folder.path },
        isConnected: async (_: unknown, __: unknown, msMax: number) => {
          given.push(msMax);
          return true;
        },
        keepOnly: async (_: unknown, __: unknown, msMax: number) => void given.push(msMax),
      } as unknown as Quarantine;
      await salvageObjects({ run: async () => '' }, folder.path, quarantine, ['a']);
      return given.length === 2 && given.every((most) => most >= ms);
    },
  },
  exportsAtOnceMax: {
    test: ['commands/backup.test.ts', 'is taken by one at a time, and an end of the command lets go of all'],
  },
  controlStalledMsMax: {
    test: [control, 'lets a reader go that stops reading, and what was asked for is let go with it'],
  },
  controlBodyBytesMax: {
    test: [control, 'tells what makes no sense, and nothing of faults of its own ends it'],
  },

  descriptorsProcess: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  descriptorsPerWorker: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  descriptorsPerGitProcess: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  descriptorsStoreSpare: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  descriptorsPerRelay: { pace: [descriptors, 'leave store, threads and process what they need, of %s'] },
  connectionsMin: { test: [descriptors, 'say how many are needed when there are too few'] },
  logBufferBytesMax: {
    test: ['daemon/surroundings.test.ts', 'a log that cannot be written ends nothing but its lines'],
  },
  shutdownMsMax: {
    test: ['e2e/overdue-end.test.ts', 'an end that does not come is one all the same, and says so'],
  },
  serviceNotifyMsMax: { test: [lowered, 'systemd is not waited for without end'] },
} as const satisfies Record<string, Entry>;
