import { describe, expect, it } from 'vitest';
import {
  backOff,
  beginUpdate,
  type ConnectionState,
  ConnectionStateError,
  connect,
  connected,
  disconnect,
  endUpdate,
  giveUp,
} from '../../src/sync/relay/connection.js';

const states: Record<ConnectionState['type'], ConnectionState> = {
  connecting: { type: 'connecting', since: 0 },
  connected: { type: 'connected', since: 0 },
  updating: { type: 'updating', since: 0 },
  disconnected: { type: 'disconnected', at: 0 },
  backoff: { type: 'backoff', until: 0 },
  dead: { type: 'dead', until: 0 },
};

const verbs: Record<
  string,
  { run: (state: ConnectionState) => ConnectionState; from: string[]; to: string }
> = {
  connect: { run: (state) => connect(state, 1), from: ['backoff', 'dead'], to: 'connecting' },
  connected: { run: (state) => connected(state, 1), from: ['connecting'], to: 'connected' },
  beginUpdate: { run: beginUpdate, from: ['connected'], to: 'updating' },
  endUpdate: { run: endUpdate, from: ['updating'], to: 'connected' },
  disconnect: {
    run: (state) => disconnect(state, 1),
    from: ['connecting', 'connected', 'updating'],
    to: 'disconnected',
  },
  backOff: { run: (state) => backOff(state, 1), from: ['disconnected'], to: 'backoff' },
  giveUp: { run: (state) => giveUp(state, 1), from: ['disconnected'], to: 'dead' },
};

describe('the life of a connection (docs/sync.md §2)', () => {
  for (const [verb, { run, from, to }] of Object.entries(verbs)) {
    for (const [type, state] of Object.entries(states)) {
      if (from.includes(type)) {
        it(`${verb}: ${type} → ${to}`, () => expect(run(state).type).toBe(to));
      } else {
        it(`${verb} throws while ${type}`, () => expect(() => run(state)).toThrow(ConnectionStateError));
      }
    }
  }
});
