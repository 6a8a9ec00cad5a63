import type { ModerationCounts, StatusReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { askOnce, exitCodes, jsonFlag, wantsJson } from './ask.js';

/** Says how the running daemon is. */
export const status: Command = {
  name: 'status',
  summary: 'Say how the running daemon is',
  details: exitCodes,
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const report = await askOnce<StatusReport>(invocation, 'status', { path: '/status' });
    invocation.stdout.write(wantsJson(invocation) ? `${JSON.stringify(report)}\n` : wordsOf(report));
    return 0;
  },
};

function wordsOf(report: StatusReport): string {
  const { version, startedAt, address, domain, events, heldEvents } = report;
  const { relays, firstCatchup, repositories, moderation, isDiskLow } = report;
  const rows: [string, string][] = [
    ['graspd', `${version}, since ${startedAt}`],
    ['listens at', `${address}, as ${domain}`],
    ['events', `${events} stored, ${heldEvents} wait for git data`],
    [
      'relays',
      `${relays.tracked} followed: ${relays.connected} connected, ${relays.complete} complete, ${relays.dead} dead`,
    ],
    ...(firstCatchup.isOver ? [] : [['catching up', progressOf(firstCatchup)] as [string, string]]),
    ['repositories', `${repositories.served} served, ${repositories.incomplete} lack git data`],
    ...(isEmpty(moderation) ? [] : [['moderation', moderationWords(moderation)] as [string, string]]),
    ...(isDiskLow ? [['disk', 'full up to --disk-floor-mb: nothing is taken in'] as [string, string]] : []),
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('');
}

function isEmpty(counts: ModerationCounts): boolean {
  return Object.values(counts).every((count) => count === 0);
}

function moderationWords(counts: ModerationCounts): string {
  const { bannedPubkeys, bannedEvents, blockedAddresses, allowedPubkeys } = counts;
  return (
    `${bannedPubkeys} authors and ${bannedEvents} events banned, ${blockedAddresses} addresses blocked, ` +
    `${allowedPubkeys} authors allowed`
  );
}

function progressOf({ stored, expected, secondsLeft }: StatusReport['firstCatchup']): string {
  const left = secondsLeft === undefined ? '' : `, about ${secondsLeft} s left`;
  return `${stored} of ${expected} events that are known to be missing${left}`;
}
