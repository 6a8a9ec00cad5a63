import type { BanEntry } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, list } from './ask.js';
import { targetText } from './ban-targets.js';

const words: Readonly<Record<BanEntry['type'], string>> = {
  pubkey: 'author banned',
  event: 'event banned',
  address: 'address blocked',
  'allowed-pubkey': 'author allowed',
};

/** Lists what is banned, blocked and allowed. */
export const bans: Command = {
  name: 'bans',
  summary: 'List what is banned, blocked and allowed beside the settings',
  details: exitCodes,
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [jsonFlag],
  takesOptions: true,
  async run(invocation) {
    const columns = ['WHAT', 'WHICH', 'SINCE', 'REASON'];
    const entries = ask<BanEntry>(invocation, 'bans', { path: '/bans' });
    await list(invocation, entries, { columns, row: rowOf });
    return 0;
  },
};

function rowOf(entry: BanEntry): (string | undefined)[] {
  const { type, since, reason } = entry;
  return [words[type], targetText(entry), since, reason === '' ? undefined : reason];
}
