/** The process behind `Fleet`: clients of one role. */
import { constants, setPriority } from 'node:os';
import { openAsking } from './asking.js';
import type { FleetAnswer, FleetCommand, FleetSettings, Reporter } from './fleet.js';
import { openHostile } from './hostile/hostile.js';
import { openIdle } from './idle.js';
import { openPublishing } from './publishing.js';

let report: Reporter<unknown> = () => undefined;

async function open(settings: FleetSettings): Promise<Reporter<unknown>> {
  switch (settings.role) {
    // Clients have computers of their own; here they share the daemon's, and are not to take it for themselves. Those whose
    // waiting is measured are few.
    case 'idle':
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
      return await openIdle(settings);
    case 'asking':
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
      return await openAsking(settings);
    case 'publishing':
      return await openPublishing(settings);
    case 'hostile':
      setPriority(constants.priority.PRIORITY_LOW);
      return openHostile(settings);
  }
}

function answer(message: FleetAnswer): void {
  process.send?.(message);
}

process.on('message', async (command: FleetCommand) => {
  if (command.type === 'open') {
    report = await open(command.settings);
    answer({ type: 'opened' });
  } else answer({ type: 'report', report: report(command.anew) });
});
process.on('disconnect', () => process.exit());
