import { limits } from '../config/limits.js';
import type { RepositorySurvey } from './repository-survey.js';

/**
 * Whether a repository is to be repacked: it has come to many packs, loose objects or loose refs, or much that no bitmap covers; or
 * its time is up, for what nothing refers to goes with a repack only. One that did not change since the last is left
 * alone, unless something was kept then whose time is up now.
 */
export function isCareDue(survey: RepositorySurvey, nowMs: number): boolean {
  const { packs, looseObjects, looseRefs, caredAtMs, changedAtMs, madeAtMs, hasUnreachable } = survey;
  if (packs === 0 && !hasUnreachable) return false;
  const isChanged = caredAtMs === undefined || changedAtMs > caredAtMs;
  const isTimeUp = nowMs - (caredAtMs ?? madeAtMs) >= limits.unreachableObjectsMsMax;
  if (isTimeUp) return isChanged || hasUnreachable;
  if (!isChanged || (caredAtMs !== undefined && nowMs - caredAtMs < limits.careIntervalMsMin)) return false;
  const { carePacksMax, careLooseObjectsMax, careLooseRefsMax } = limits;
  const isCrowded =
    packs > carePacksMax || looseObjects > careLooseObjectsMax || looseRefs > careLooseRefsMax;
  return isCrowded || isBitmapWorthIt(survey);
}

/** Whether what came without a bitmap is much, of itself and beside the rest: so each byte is repacked a few times only. */
function isBitmapWorthIt({ coveredBytes, uncoveredBytes }: RepositorySurvey): boolean {
  return (
    uncoveredBytes >= limits.careBitmapBytesMin &&
    uncoveredBytes > coveredBytes * limits.careUncoveredShareMax
  );
}
