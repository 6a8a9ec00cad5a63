import { closeSync, existsSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { systemSurroundings } from '../../src/daemon/surroundings.js';

it.skipIf(!existsSync('/dev/full'))('a log that cannot be written ends nothing but its lines', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const { logger, faults } = systemSurroundings('info', full);
    for (let line = 0; line < 3_000; line += 1) logger.info({ text: 'x'.repeat(1_000) }, 'a line');
    expect(faults.counts.get('log')).toBeGreaterThan(0);
  } finally {
    closeSync(full);
  }
});
