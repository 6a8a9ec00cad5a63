import { Presets, SingleBar } from 'cli-progress';
import type { Clock } from '../lib/clock.js';
import type { Terminal } from './command.js';

/** Shows how far a piece of work is: a bar on a terminal, else a line now and then. */
export type Progress = {
  /** Tells how much is done, in the unit of `total`, and a few words about it. */
  update(done: number, words: string): void;
  /** Writes whole lines, as of a log, without spoiling the display. */
  print(lines: string): void;
  /** Ends the display; nothing may be told afterwards, lines may be printed. */
  stop(): void;
};

/** Goes to the first column, and takes away what stands in the line. */
const emptyLine = '\r\x1b[K';

/** Time between two lines where there is no terminal. */
const lineIntervalMs = 5_000;

/** Begins a display on stderr. `total` may be unknown; then only the words are shown. */
export function startProgress(
  { stderr }: Pick<Terminal, 'stderr'>,
  title: string,
  total: number | undefined,
  clock: Clock,
): Progress {
  return stderr.isTTY === true && total !== undefined
    ? barProgress(stderr, title, total)
    : lineProgress(stderr, title, total, clock);
}

function barProgress(stderr: NodeJS.WritableStream, title: string, total: number): Progress {
  const bar = new SingleBar(
    { stream: stderr, format: `${title} {bar} {percentage}% {words}`, hideCursor: true, barsize: 30 },
    Presets.shades_classic,
  );
  bar.start(total, 0, { words: '' });
  return {
    update: (done, words) => bar.update(Math.min(done, total), { words }),
    print(lines) {
      stderr.write(bar.isActive ? `${emptyLine}${lines}` : lines);
      if (bar.isActive) bar.render();
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(
  stderr: NodeJS.WritableStream,
  title: string,
  total: number | undefined,
  clock: Clock,
): Progress {
  let shownAt = clock.monotonic();
  return {
    update(done, words) {
      if (clock.monotonic() - shownAt < lineIntervalMs) return;
      shownAt = clock.monotonic();
      const share = total === undefined || total === 0 ? '' : ` ${Math.floor((100 * done) / total)}%`;
      stderr.write(`${title}${share} ${words}\n`);
    },
    print: (lines) => void stderr.write(lines),
    stop() {},
  };
}
