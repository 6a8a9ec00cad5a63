import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../src/commands/progress.js';
import { VirtualClock } from '../support/virtual-clock.js';

const esc = '\u001b';
/** Sequences that tell a terminal what to do, ends of lines, and text between them. */
const pieces = new RegExp(String.raw`${esc}\[[?\d;]*[a-zA-Z]|${esc}[78]|[\r\n]|[^${esc}\r\n]+`, 'g');

/** A terminal as far as the display uses one: it keeps the lines that somebody would see. */
class Screen extends Writable {
  readonly isTTY = true;
  lines = [''];
  #column = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const [piece] of chunk.toString().matchAll(pieces)) this.#show(piece);
    done();
  }

  #show(piece: string): void {
    const line = this.lines.at(-1) as string;
    if (piece === '\n') this.lines.push('');
    if (['\r', '\n', `${esc}[G`, `${esc}[1G`].includes(piece)) this.#column = 0;
    else if ([`${esc}[K`, `${esc}[0K`].includes(piece)) this.#set(line.slice(0, this.#column));
    else if (!piece.startsWith(esc)) {
      this.#set(line.slice(0, this.#column) + piece + line.slice(this.#column + piece.length));
      this.#column += piece.length;
    }
  }

  #set(line: string): void {
    this.lines[this.lines.length - 1] = line;
  }
}

describe('the display of progress', () => {
  it('on a terminal has each log line to itself, and ends with the bar', () => {
    const screen = new Screen();
    const progress = startProgress({ stderr: screen }, 'import', 10, new VirtualClock());
    progress.update(3, 'three');
    progress.print('a warning\n');
    progress.update(10, 'all');
    progress.print('another\n');
    progress.stop();
    progress.stop();
    progress.print('afterwards\n');
    expect(screen.lines.map((line) => line.trimEnd())).toEqual([
      'a warning',
      'another',
      expect.stringMatching(/^import \S+ 100% all$/),
      'afterwards',
      '',
    ]);
  });

  it('elsewhere is a line now and then, between those of the log', async () => {
    const screen = Object.assign(new Screen(), { isTTY: false });
    const clock = new VirtualClock();
    const progress = startProgress({ stderr: screen }, 'import', 10, clock);
    progress.update(1, 'too early');
    progress.print('a warning\n');
    await clock.advance(5_000);
    progress.update(5, 'half');
    progress.stop();
    expect(screen.lines).toEqual(['a warning', 'import 50% half', '']);
  });
});
