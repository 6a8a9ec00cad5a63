import { pino } from 'pino';
import { Faults } from '../../src/lib/faults.js';

/** Faults that are counted and not logged. */
export function silentFaults(): Faults {
  return new Faults(pino({ level: 'silent' }));
}
