import { createMemoryStore } from '../../src/store/memory-store.js';
import { describeEventStore } from './event-store-conformance.js';

describeEventStore('memory store', () => ({
  open: async (options) => createMemoryStore(options),
  cleanUp: async () => {},
}));
