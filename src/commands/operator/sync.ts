import type { SyncReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, wantsJson } from './ask.js';

const relaysMax = 1_000;

/** Has the running daemon catch up with relays at once. */
export const sync: Command = {
  name: 'sync',
  summary: 'Have the running daemon catch up with relays again, from the beginning, at once',
  details: `Relays that it does not follow are named, and the exit code is 1 then. ${exitCodes}`,
  usage: 'RELAY…',
  positionalsMin: 1,
  positionalsMax: relaysMax,
  flags: [jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const { stdout, positionals: body } = invocation;
    let code = 0;
    for await (const report of ask<SyncReport>(invocation, 'sync', { path: '/sync', body })) {
      if (!report.isFollowed) code = 1;
      stdout.write(wantsJson(invocation) ? `${JSON.stringify(report)}\n` : `${wordsOf(report)}\n`);
    }
    return code;
  },
};

function wordsOf({ relay, isFollowed }: SyncReport): string {
  return isFollowed ? `${relay}: catch-up begins` : `${relay}: is not followed`;
}
