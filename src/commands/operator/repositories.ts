import type { RepositoryReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, wantsJson } from './ask.js';
import { table } from './table.js';

/** Lists the repositories that the running daemon serves. */
export const repositories: Command = {
  name: 'repositories',
  summary: 'List the repositories that the running daemon serves, and what git data they lack',
  details: exitCodes,
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'incomplete',
      placeholder: undefined,
      about: 'Only those that lack git data',
      isSwitch: true,
      isList: false,
    },
    jsonFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const { stdout } = invocation;
    const rows: (string | undefined)[][] = [];
    const answers = ask<RepositoryReport>(invocation, 'repositories', { path: '/repositories' });
    for await (const report of answers) {
      if (invocation.flags.get('incomplete') === 'true' && report.lacks === undefined) continue;
      if (wantsJson(invocation)) stdout.write(`${JSON.stringify(report)}\n`);
      else rows.push(rowOf(report));
    }
    if (!wantsJson(invocation)) {
      stdout.write(table(['REPOSITORY', 'LACKS', 'SINCE', 'NEXT TRY', 'WHY'], rows));
    }
    return 0;
  },
};

function rowOf({ owner, identifier, lacks }: RepositoryReport): (string | undefined)[] {
  const name = `${owner}/${identifier}`;
  if (lacks === undefined) return [name, undefined, undefined, undefined, undefined];
  const { objects, since, nextTry, why } = lacks;
  return [name, objects === undefined ? 'is looked at' : `${objects} objects`, since, nextTry, why];
}
