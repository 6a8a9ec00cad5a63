/** One promise of graspd: what an operator may rely on. The torture tries to break it; the tests hold it in every run. */
export type PromiseText = {
  /** What holds, in one sentence. */
  readonly says: string;
};

/**
 * The promises, by name, in the order of the table. `docs/reliability.md` has a row for each, with the tests that hold it.
 */
export const promises = {
  'acknowledged-events': { says: 'An event that had its OK true is there, whenever the daemon is killed' },
  'deleted-events': { says: 'What was deleted stays deleted, whenever the daemon is killed' },
  'index-agrees': { says: 'The index and the events agree: `graspd check` finds no fault' },
  'live-sets': { says: 'A live query has what a fresh one has' },
  'refs-agree': { says: 'Refs are what the events say, and what was pushed is there' },
  'nodes-agree': {
    says: 'Several graspd on one database lose nothing and serve the same, whichever of them, or the database, is killed',
  },
  'power-failure': { says: 'A power failure takes nothing that was acknowledged' },
  'damaged-files': { says: 'A damaged file is named, and costs no more than what is said' },
  'every-answer': { says: 'Every EVENT with an id has its OK, every REQ its EOSE or CLOSED' },
  'no-input-stops': { says: 'No input of a stranger ends or stops the daemon' },
  'parsers-refuse': { says: 'Parsers refuse with a typed error, or read what they wrote' },
  'network-heals': { says: 'Relays are equal again within a catch-up after the network heals' },
  'bad-certificates': { says: 'No relay with a wrong certificate is talked to' },
  'lying-names': { says: 'No name of a stranger leads into the own network or holds up others' },
  'ipv6-alone': { says: 'Events and git data spread where there is IPv6 alone' },
  'flat-memory': { says: 'Memory, handles, timers and files are flat under load' },
  'loop-turns': { says: 'The event loop is late by 50 ms at most, 99 times of 100' },
  'publish-latency': { says: 'An honest publish is answered within 250 ms, 99 times of 100' },
  'honest-clients': { says: 'No honest client is dropped for what others do' },
} as const satisfies Record<string, PromiseText>;

export type PromiseName = keyof typeof promises;
