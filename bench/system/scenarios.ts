import type { Scenario } from './scenario.js';
import {
  catchUpScenario,
  distantCatchUpScenario,
  identicalScenario,
  missingScenario,
  servingScenario,
} from './scenarios/catch-up.js';
import { databaseScenario } from './scenarios/database.js';
import { durabilityScenario } from './scenarios/durability.js';
import { deliveryScenario, narrowScenario, wideScenario } from './scenarios/fan-out.js';
import { hostileRequestsScenario } from './scenarios/hostile-requests.js';
import { importScenario } from './scenarios/import.js';
import { memoryScenario } from './scenarios/memory.js';
import { negentropyScenario } from './scenarios/negentropy.js';
import { nodesScenario } from './scenarios/nodes.js';
import { publishScenario, publishSinglyScenario } from './scenarios/publish.js';
import { requestsScenario } from './scenarios/requests.js';
import { startScenario } from './scenarios/start.js';

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  importScenario,
  catchUpScenario,
  distantCatchUpScenario,
  missingScenario,
  identicalScenario,
  servingScenario,
  publishScenario,
  publishSinglyScenario,
  durabilityScenario,
  databaseScenario,
  nodesScenario,
  narrowScenario,
  wideScenario,
  deliveryScenario,
  requestsScenario,
  hostileRequestsScenario,
  negentropyScenario,
  startScenario,
  memoryScenario,
];
