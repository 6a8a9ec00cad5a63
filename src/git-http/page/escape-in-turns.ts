import { limits } from '../../config/limits.js';
import { escapeHtml } from '../../http/pages/html.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';

/** A long text as HTML shows it. A stranger may have written nothing but quotes, each of which becomes an entity. */
export async function escapeInTurns(text: string, turns: WorkTurns): Promise<string> {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; from += limits.pageEscapeCharsPerPiece) {
    if (turns.isOver) await turns.next();
    pieces.push(escapeHtml(text.slice(from, from + limits.pageEscapeCharsPerPiece)));
  }
  return pieces.join('');
}
