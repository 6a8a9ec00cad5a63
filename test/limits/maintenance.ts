import { PassThrough } from 'node:stream';
import type { GitStreams } from '../../src/git/git-streams.js';
import { CareQueue } from '../../src/maintenance/care-queue.js';
import { runQuietly } from '../../src/maintenance/repack-step.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex } from './entry.js';

const carePlan = 'maintenance/care-plan.test.ts';
const careTurns = 'maintenance/care-turns.test.ts';
const maintenance = 'maintenance/maintenance.test.ts';
const { signal } = new AbortController();

/** When repositories are repacked, and how. */
export const maintenanceEntries = {
  carePacksMax: { test: [carePlan, 'above a number of packs, of loose objects, or of loose refs'] },
  careLooseObjectsMax: { test: [carePlan, 'above a number of packs, of loose objects, or of loose refs'] },
  careLooseRefsMax: { test: [carePlan, 'above a number of packs, of loose objects, or of loose refs'] },
  careBitmapBytesMin: {
    test: [carePlan, 'when what no bitmap covers is much, of itself and beside the rest'],
  },
  careUncoveredShareMax: {
    test: [carePlan, 'when what no bitmap covers is much, of itself and beside the rest'],
  },
  careIntervalMsMin: {
    pace: [maintenance, 'at any moment by SIGKILL, with all its processes, leaves a working repository'],
  },
  unreachableObjectsMsMax: {
    test: [
      carePlan,
      'two weeks after its last repack, if it changed since or unreachable objects were kept then',
    ],
  },
  careQuietMs: {
    pace: [maintenance, 'is found by what pushes bring, when they have been quiet for a while'],
  },
  careRetryMs: { pace: [maintenance, 'ends the repack of its repository, which is done later'] },
  careInterruptionsMax: {
    test: [
      maintenance,
      'passes a repack that gave way too often, which keeps what a ref may be set to (git %s)',
    ],
  },
  carePauseMs: { pace: 'nothing more' },
  careWaitingMax: {
    edge: (waiting) => {
      const queue = new CareQueue(new VirtualClock());
      for (let at = 0; at < waiting; at += 1)
        queue.add(`${at}`, { repository: { pubkey: hex(at), identifier: 'a' }, interruptions: 0 }, 1_000);
      return queue.size === waiting;
    },
  },
  careWaitingPerOwnerMax: {
    edge: (waiting) => {
      const queue = new CareQueue(new VirtualClock());
      const repository = { pubkey: hex(1), identifier: 'a' };
      for (let at = 0; at < waiting; at += 1) queue.add(`${at}`, { repository, interruptions: 0 }, 1_000);
      return queue.size === waiting;
    },
  },
  careAwaitedMs: { test: [careTurns, 'is over after a while once others wait, and not before'] },
  careRestMsMin: { test: [careTurns, 'rests after it failed, twice as long each time, up to days'] },
  careRestMsMax: { test: [careTurns, 'rests after it failed, twice as long each time, up to days'] },
  careStepMsMax: {
    edge: async (ms) => {
      let given = 0;
      const streams = {
        start: async ({ msMax }: { readonly msMax: number }) => {
          given = msMax;
          const ended = { exitCode: 0, complaint: '', isLate: false };
          return { input: new PassThrough(), output: new PassThrough(), ended };
        },
      } as unknown as GitStreams;
      await runQuietly(streams, { gitDir: '/', args: ['repack'] }, signal);
      return given >= ms;
    },
  },
  leftoverAgeMsMax: { test: [maintenance, 'in %s leaves a working repository, and what it left goes'] },
  surveyIntervalMs: { pace: 'nothing more' },
  surveyPauseMs: {
    pace: [maintenance, 'is counted still when something came into it during the look at all'],
  },
} as const satisfies Record<string, Entry>;
