import type { UnbanReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, wantsJson } from './ask.js';
import { eventFlag, targetsMax, targetsOf, targetText, targetUsage } from './ban-targets.js';

/** Has the running daemon lift bans. */
export const unban: Command = {
  name: 'unban',
  summary: 'Lift bans of authors, events or IP addresses',
  details:
    'What was taken away is asked of the relays that are followed, and comes again as far as they have it; git data of ' +
    'repositories within --repository-grace-days is still there. The exit code is 1 where something was not banned. ' +
    exitCodes,
  usage: targetUsage,
  positionalsMin: 1,
  positionalsMax: targetsMax,
  flags: [eventFlag, jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const body = { targets: targetsOf(invocation) };
    let code = 0;
    for await (const report of ask<UnbanReport>(invocation, 'unban', { path: '/unban', body })) {
      if (!report.wasBanned) code = 1;
      const words = `${targetText(report)}: ${report.wasBanned ? 'is no longer banned' : 'was not banned'}`;
      invocation.stdout.write(wantsJson(invocation) ? `${JSON.stringify(report)}\n` : `${words}\n`);
    }
    return code;
  },
};
