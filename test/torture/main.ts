/** Tortures graspd for some time and prints what became of its promises. */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../src/lib/errors.js';
import type { Part } from './part.js';
import { parts } from './parts.js';
import { torture } from './torture.js';

const help = `Tries to break the promises of docs/reliability.md, and prints a table of what was tried and found.

  npm run torture -- [--seed 1] [--hours 2] [--only part[,part ...]]
  npm run torture -- --help

Parts, with their share of the time:
${parts.map(({ name, about, share }) => `  ${name.padEnd(10)} ${String(share).padStart(3)}   ${about}`).join('\n')}

Needs the built daemon (npm run build). A part that this machine cannot run is skipped, and said so.
Ends with 0 when all promises held, 1 when one broke or a part failed, 2 when it was called wrongly.`;

const values = readArguments();
if (values.help) console.log(help);
else await run(wholeNumber(values.seed), hours(values.hours), chosen(values.only));

async function run(seed: number, ms: number, some: readonly Part[]): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const begun = performance.now();
  const say = (line: string) => console.error(`${clockOf(performance.now() - begun)} ${line}`);
  const { record, failed, skipped } = await torture({
    seed,
    ms,
    parts: some,
    folder: tmpdir(),
    signal: stop.signal,
    say,
  });
  console.log(`\nseed ${seed}, ${clockOf(performance.now() - begun)} of ${clockOf(ms)}\n\n${record.table()}`);
  const remarks = [
    ...record.breaches(),
    ...failed.map((line) => `failed: ${line}`),
    ...skipped.map((line) => `skipped: ${line}`),
    ...(stop.signal.aborted ? ['interrupted'] : []),
  ];
  if (remarks.length > 0) console.log(`\n${remarks.join('\n')}`);
  if (record.brokenCount + failed.length > 0 || stop.signal.aborted) process.exitCode = 1;
}

/** A duration, as `1:02:03`. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const two = (number: number) => String(number % 60).padStart(2, '0');
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60))}:${two(seconds)}`;
}

function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return parts;
  return only.split(',').map((name) => {
    const part = parts.find((some) => some.name === name);
    return part ?? refuse(`there is no part '${name}'`);
  });
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        hours: { type: 'string', default: '2' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return refuse(errorMessage(error));
  }
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  return refuse(`'${text}' is no whole number`);
}

/** Hours, whole or not, in milliseconds. */
function hours(text: string): number {
  const number = Number(text);
  if (/^\d*\.?\d+$/.test(text) && number > 0 && number <= 1_000) return number * 3_600_000;
  return refuse(`'${text}' is no number of hours`);
}

function refuse(why: string): never {
  console.error(`${why.split('\n')[0]} (--help says what there is)`);
  process.exit(2);
}
