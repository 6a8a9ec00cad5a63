import type { BanReport } from '../../control/reports.js';
import { systemClock } from '../../lib/clock.js';
import { type Command, type CommandFlag, type Invocation, textFlag } from '../command.js';
import { type Progress, startProgress } from '../progress.js';
import { ask, exitCodes, jsonFlag, wantsJson } from './ask.js';
import { eventFlag, targetsMax, targetsOf, targetText, targetUsage } from './ban-targets.js';

/** Why, for the list of bans. */
export const reasonFlag: CommandFlag = {
  name: 'reason',
  placeholder: 'TEXT',
  about: 'Why, for the list of bans',
  isSwitch: false,
  isList: false,
};

/** Has the running daemon ban authors, events or addresses. */
export const ban: Command = {
  name: 'ban',
  summary: 'Ban authors, events or IP addresses from the running daemon, for good',
  details:
    'What is stored of an author, and the event itself, is taken away, and comes back neither from clients nor by sync. ' +
    'Repositories of a banned author are closed as deleted ones are: their git data stays for --repository-grace-days, so ' +
    'that unban within that time brings it back. An address is an IP address or a network (CIDR): its connections are ' +
    `ended, and it gets 403. The ban holds across restarts. ${exitCodes}`,
  usage: targetUsage,
  positionalsMin: 1,
  positionalsMax: targetsMax,
  flags: [reasonFlag, eventFlag, jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const body = { targets: targetsOf(invocation), reason: textFlag(invocation, reasonFlag.name) ?? '' };
    let progress: Progress | undefined;
    for await (const report of ask<BanReport>(invocation, 'ban', { path: '/ban', body })) {
      const { events, removed, isDone } = report;
      if (!isDone) {
        progress ??= startProgress(invocation, 'taken away', events, systemClock);
        progress.update(removed, `${removed} of ${events} events`);
        continue;
      }
      progress?.stop();
      progress = undefined;
      tell(invocation, report);
    }
    return 0;
  },
};

function tell(invocation: Invocation, report: BanReport): void {
  const { type, removed } = report;
  const taken = type === 'address' ? '' : `, ${removed} events taken away`;
  invocation.stdout.write(
    wantsJson(invocation) ? `${JSON.stringify(report)}\n` : `${targetText(report)}: is banned${taken}\n`,
  );
}
