import { parseArgs } from 'node:util';
import type { SignatureLibrary } from './relay-process.js';

/** What one run of the bench measures, and where. */
export type BenchSettings = {
  /** Events that a filled relay holds. */
  readonly events: number;
  /** Names of the scenarios to run; empty for all. */
  readonly scenarios: readonly string[];
  readonly signatures: SignatureLibrary;
  /** A relay that runs already, in the place of one of our own; it must hold the traffic where a scenario reads. */
  readonly url: string | undefined;
  /** Process id of that relay, where it runs on this machine: its CPU and memory are shown too. */
  readonly pid: number | undefined;
  /** Clients that listen where a scenario has listeners. */
  readonly listeners: number;
  /** How many graspd share a database, one after the other, where a scenario has several. */
  readonly nodes: readonly number[];
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** Whether everything is measured at 10,000, 100,000 and 1,000,000 events. */
  readonly growth: boolean;
};

export const usage = `npm run bench:system -- [options]

  --events N               events of a filled relay (20,000)
  --scenario A,B           only these
  --signatures system|wasm which libsecp256k1 the relays use (system)
  --url ws://…             measure the relay at this URL instead of one of our own, where that makes sense
  --pid N                  its process id, for CPU and memory
  --listeners N            clients that listen, in scenarios that have them (500)
  --nodes 1,2,3            how many graspd on one PostgreSQL, in the scenario nodes
  --growth                 at 10,000, 100,000 and 1,000,000 events
  --json FILE, --svg FILE  write the figures there too
`;

export const growthEvents = [10_000, 100_000, 1_000_000] as const;

/** Reads the command line; `undefined` when help was asked for. Throws an error with a line for whoever wrote it. */
export function readSettings(args: readonly string[]): BenchSettings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '20000' },
      scenario: { type: 'string', default: '' },
      signatures: { type: 'string', default: 'system' },
      url: { type: 'string' },
      pid: { type: 'string' },
      listeners: { type: 'string', default: '500' },
      nodes: { type: 'string', default: '1,2,3' },
      json: { type: 'string' },
      svg: { type: 'string' },
      growth: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (values.help) return undefined;
  const { signatures } = values;
  if (signatures !== 'system' && signatures !== 'wasm') throw new Error('--signatures takes system or wasm');
  return {
    events: wholeNumber('events', values.events),
    scenarios: values.scenario.split(',').filter((name) => name !== ''),
    signatures,
    url: values.url,
    pid: values.pid === undefined ? undefined : wholeNumber('pid', values.pid),
    listeners: wholeNumber('listeners', values.listeners),
    nodes: values.nodes.split(',').map((count) => wholeNumber('nodes', count)),
    json: values.json,
    svg: values.svg,
    growth: values.growth,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0`);
  return value;
}
