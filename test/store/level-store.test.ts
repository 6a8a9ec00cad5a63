import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { describeEventStore, type StoreHarness } from './event-store-conformance.js';

function harness(): StoreHarness {
  let folder = '';
  return {
    async open(options) {
      folder = await mkdtemp(join(tmpdir(), 'graspd-store-'));
      return openLevelStore({ path: folder, ...options });
    },
    async reopen(store, options) {
      await store[Symbol.asyncDispose]();
      return openLevelStore({ path: folder, ...options });
    },
    cleanUp: () => rm(folder, { recursive: true, force: true }),
  };
}

describeEventStore('level store', harness);
