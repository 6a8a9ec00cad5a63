import type { RepositoryReport } from '../../control/reports.js';
import type { Command } from '../command.js';
import { ask, exitCodes, jsonFlag, list } from './ask.js';

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
    const columns = ['REPOSITORY', 'LACKS', 'SINCE', 'NEXT TRY', 'WHY'];
    const reports = ask<RepositoryReport>(invocation, 'repositories', { path: '/repositories' });
    const isAll = invocation.flags.get('incomplete') !== 'true';
    await list(invocation, isAll ? reports : incompleteOf(reports), { columns, row: rowOf });
    return 0;
  },
};

async function* incompleteOf(reports: AsyncIterable<RepositoryReport>): AsyncGenerator<RepositoryReport> {
  for await (const report of reports) if (report.lacks !== undefined) yield report;
}

function rowOf({ owner, identifier, lacks }: RepositoryReport): (string | undefined)[] {
  const name = `${owner}/${identifier}`;
  if (lacks === undefined) return [name, undefined, undefined, undefined, undefined];
  const { objects, since, nextTry, why } = lacks;
  return [name, objects === undefined ? 'is looked at' : `${objects} objects`, since, nextTry, why];
}
