import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lines that are read in one turn of the event loop: a millisecond or two, with what is done with each. */
const linesPerTurn = 5_000;

/** The lines of a text that are not empty, in groups, and each group in a turn of its own: there may be very many. */
export async function* linesInTurns(text: string): AsyncGenerator<readonly string[]> {
  let lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    if (end > at) lines.push(text.slice(at, end));
    at = end + 1;
    if (lines.length < linesPerTurn) continue;
    yield lines;
    lines = [];
    await nextTurn();
  }
  if (lines.length > 0) yield lines;
}
