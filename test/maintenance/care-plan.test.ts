import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { isCareDue } from '../../src/maintenance/care-plan.js';
import type { RepositorySurvey } from '../../src/maintenance/repository-survey.js';

const now = 1_800_000_000_000;
const hour = 3_600_000;

/** A repository that was repacked two hours ago, and changed since. */
const rested: RepositorySurvey = {
  bytes: 1_000_000_000,
  packs: 2,
  coveredBytes: 1_000_000_000,
  uncoveredBytes: 1_000_000,
  looseObjects: 0,
  looseRefs: 0,
  hasUnreachable: false,
  changedAtMs: now - hour,
  caredAtMs: now - 2 * hour,
  madeAtMs: 0,
  leftovers: [],
  packFiles: [],
  branchPack: undefined,
};
const isDue = (change: Partial<RepositorySurvey>) => isCareDue({ ...rested, ...change }, now);

describe('a repository is due', () => {
  it('above a number of packs, of loose objects, or of loose refs', () => {
    expect(isDue({})).toBe(false);
    expect(isDue({ packs: limits.carePacksMax })).toBe(false);
    expect(isDue({ packs: limits.carePacksMax + 1 })).toBe(true);
    expect(isDue({ looseObjects: limits.careLooseObjectsMax + 1 })).toBe(true);
    expect(isDue({ looseRefs: limits.careLooseRefsMax })).toBe(false);
    expect(isDue({ looseRefs: limits.careLooseRefsMax + 1 })).toBe(true);
  });

  it('when what no bitmap covers is much, of itself and beside the rest', () => {
    expect(isDue({ coveredBytes: 0, uncoveredBytes: limits.careBitmapBytesMin - 1 })).toBe(false);
    expect(isDue({ coveredBytes: 0, uncoveredBytes: limits.careBitmapBytesMin })).toBe(true);
    expect(isDue({ uncoveredBytes: 500_000_000 })).toBe(false);
    expect(isDue({ uncoveredBytes: 500_000_001 })).toBe(true);
  });

  it('not again within an hour, nor when nothing changed since', () => {
    const crowded = { packs: 1_000 };
    expect(isDue({ ...crowded, caredAtMs: now - hour + 1, changedAtMs: now })).toBe(false);
    expect(isDue({ ...crowded, changedAtMs: now - 3 * hour })).toBe(false);
    expect(isDue({ ...crowded, caredAtMs: undefined, changedAtMs: now - 3 * hour })).toBe(true);
  });

  it('two weeks after its last repack, if it changed since or unreachable objects were kept then', () => {
    const caredAtMs = now - limits.unreachableObjectsMsMax;
    expect(isDue({ caredAtMs })).toBe(true);
    expect(isDue({ caredAtMs: caredAtMs + 1 })).toBe(false);
    expect(isDue({ caredAtMs, changedAtMs: caredAtMs })).toBe(false);
    expect(isDue({ caredAtMs, changedAtMs: caredAtMs, hasUnreachable: true })).toBe(true);
    expect(isDue({ caredAtMs: undefined, madeAtMs: caredAtMs })).toBe(true);
    expect(isDue({ caredAtMs: undefined, madeAtMs: caredAtMs, packs: 0 })).toBe(false);
  });
});
