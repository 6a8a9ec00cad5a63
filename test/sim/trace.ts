import type { Clock } from '../../src/lib/clock.js';

/** Tells what happens in the world, for a reader who replays one seed. The text is made only when somebody reads. */
export type Trace = (text: () => string) => void;

export const silent: Trace = () => {};

/** A trace that begins each line with the virtual time, as days, hours, minutes, seconds, milliseconds. */
export function traceTo(clock: Clock, write: (line: string) => void): Trace {
  return (text) => write(`${stamp(clock.monotonic())} ${text()}`);
}

function stamp(elapsedMs: number): string {
  const ms = Math.floor(elapsedMs);
  const part = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, '0');
  const time = [part((ms / 3_600_000) % 24, 2), part((ms / 60_000) % 60, 2), part((ms / 1000) % 60, 2)];
  return `${Math.floor(ms / 86_400_000)}d ${time.join(':')}.${part(ms % 1000, 3)}`;
}
