/** Writes events to the store at argv[2] and prints each id when it is on disk, until it is killed. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../src/lib/clock.js';
import { openLevelStore } from '../../../src/store/level/open-level-store.js';
import { makeEvent } from './events.js';

const [path, round] = process.argv.slice(2) as [string, string];
const { store } = await openLevelStore({ path, clock: systemClock });
const start = Number(round) * 1_000_000;
for (let at = start; ; at += 1) {
  const note = makeEvent({
    created_at: 1_700_000_000 + at,
    content: `${round} ${at}`,
    tags: [['t', String(at)]],
  });
  void store.put(note).written.then(() => writeSync(1, `${note.id}\n`));
  void store.put(makeEvent({ kind: 0, created_at: 1_700_000_000 + at })).written.catch(() => {});
  if (at % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
}
