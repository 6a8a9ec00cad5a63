import type { RelayReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, list } from './ask.js';

/** Lists the relays that the running daemon follows. */
export const relays: Command = {
  name: 'relays',
  summary: 'List the relays that the running daemon follows, and how far each is',
  details: exitCodes,
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const columns = ['RELAY', 'CONNECTION', 'HEALTH', 'COMPLETE AS OF', 'QUEUED', 'FAILURE', 'RETRY IN'];
    const reports = ask<RelayReport>(invocation, 'relays', { path: '/relays' });
    await list(invocation, reports, { columns, row: rowOf });
    return 0;
  },
};

function rowOf(report: RelayReport): (string | undefined)[] {
  const { relay, connection, health, completeAsOf, queuedTopics, failures, lastFailure, retryInSeconds } =
    report;
  return [
    relay,
    connection,
    health,
    completeAsOf,
    String(queuedTopics),
    failures === 0 ? undefined : `${failures} × ${lastFailure ?? 'unknown'}`,
    retryInSeconds === undefined ? undefined : `${retryInSeconds} s`,
  ];
}
