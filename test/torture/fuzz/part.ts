import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Part, PartRun } from '../part.js';
import { targets } from './targets.js';
import type { WorkerLine, WorkerOptions } from './worker-lines.js';

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A worker that says nothing for so long is given an input that it does not come to an end with. */
const silenceMsMax = 60_000;
/** Targets are taken on in rounds of so long each, so that a run that is cut short has seen them all. */
const roundMsMax = 20 * 60_000;

/** Gives every parser inputs that are nearly right, for as long as there is time. */
export const fuzzPart: Part = {
  name: 'fuzz',
  about: 'parsers are given what is nearly right',
  share: 12,
  async run(run) {
    let inputs = 0;
    for (let round = 0; round === 0 || run.timeLeft() > 0; round += 1) {
      const ms = Math.max(targets.length * 50, Math.min(run.timeLeft(), roundMsMax));
      const names = targets.map(({ name }) => name);
      inputs += await runWorker(run, { seed: run.seed + round, ms, names });
      if (run.signal.aborted) return;
    }
    run.figure('parsers-refuse', 'targets', String(targets.length));
    run.progress(`${inputs.toLocaleString('en')} inputs`);
  },
};

/** Gives how many inputs there were. */
async function runWorker(run: PartRun, options: WorkerOptions): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', worker, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
    child.once('error', reject);
  });
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  run.signal.addEventListener('abort', end, { once: true });
  let inputs = 0;
  let last = 'nothing yet';
  let patience = setTimeout(end, silenceMsMax);
  for await (const text of createInterface({ input: child.stdout })) {
    clearTimeout(patience);
    patience = setTimeout(end, silenceMsMax);
    const line = JSON.parse(text) as WorkerLine;
    last = `${line.target} after ${line.inputs} inputs`;
    if (line.type === 'done') inputs += report(run, line);
  }
  clearTimeout(patience);
  process.off('exit', end);
  run.signal.removeEventListener('abort', end);
  const code = await ended;
  if (code !== 0 && !run.signal.aborted)
    run.broken(
      'no-input-stops',
      `a parser hung or ended its process (${code}), seed ${options.seed}: ${last}`,
    );
  return inputs;
}

function report(run: PartRun, line: Extract<WorkerLine, { readonly type: 'done' }>): number {
  const { target, inputs, ms, corpus, functions, findings } = line;
  run.tried('parsers-refuse', inputs);
  for (const { what, hex } of findings)
    run.broken('parsers-refuse', `${target}: ${what} (input, hex: ${hex.slice(0, 4_000)})`);
  const speed = Math.round(inputs / (ms / 1_000)).toLocaleString('en');
  run.progress(
    `${target}: ${inputs.toLocaleString('en')} inputs, ${speed} a second, ${functions} functions run, ${corpus} kept`,
  );
  return inputs;
}
