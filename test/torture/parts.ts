import { damage } from './damage/damage.js';
import { fuzzPart } from './fuzz/part.js';
import { kills } from './kills/kills.js';
import { load } from './load/load.js';
import { soak } from './load/soak.js';
import { names } from './names/part.js';
import { network } from './network/part.js';
import { nodes } from './nodes/nodes.js';
import type { Part } from './part.js';
import { portPart } from './port/part.js';
import { power } from './power/power.js';
import { simulatedRing } from './simulated-ring.js';

/** All parts, in the order in which they run. */
export const parts: readonly Part[] = [
  fuzzPart,
  portPart,
  kills,
  nodes,
  power,
  names,
  network,
  simulatedRing,
  load,
  soak,
  damage,
];
