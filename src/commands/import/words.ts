import type { ImportEnd, ImportReport } from '../../import/import-run.js';

type WholeEnd = Extract<ImportEnd, { readonly type: 'whole' }>;

/** A few words about how far an import is. */
export function howFar({ counts, toAlign }: ImportReport): string {
  const { stored, known, refused } = counts;
  return toAlign === undefined
    ? `${stored} stored, ${known} known, ${refused} refused`
    : `${stored} stored, ${toAlign} repositories to align`;
}

/** What came of an import. */
export function summary({ counts }: ImportReport, { reasons, unaligned }: WholeEnd): string {
  return [
    countsLine(counts),
    ...reasons.map(([reason, count]) => `  ${count} × ${reason}`),
    ...(unaligned === 0 ? [] : [`${unaligned} repositories could not be aligned; the daemon tries again`]),
    '',
  ].join('\n');
}

/** What came of an import that did not come to its end, as far as is known; `total` is the size of the input in bytes. */
export function brokenOff({ bytes, counts }: ImportReport, total: number | undefined): string {
  const read = total === undefined ? `${bytes} bytes` : `${bytes} of ${total} bytes`;
  return `${countsLine(counts)}\nbroken off after ${read}; what follows was not read\n`;
}

/** 1 where a line was no event, or something could not be stored or aligned. */
export function exitCodeOfImport({ counts, end }: ImportReport): number {
  if (end?.type !== 'whole' || counts.malformed > 0 || end.unaligned > 0) return 1;
  return end.reasons.some(([reason]) => reason.startsWith('error:')) ? 1 : 0;
}

function countsLine({ stored, known, refused, malformed }: ImportReport['counts']): string {
  return `${stored} stored, ${known} known or superseded, ${refused} refused, ${malformed} lines that are no event`;
}
