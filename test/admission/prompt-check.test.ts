import { beforeEach, describe, expect, it } from 'vitest';
import { createPromptCheck, type PromptCheck } from '../../src/admission/verification/prompt-check.js';
import { limits } from '../../src/config/limits.js';
import { encodeBody } from '../../src/nostr/event-body.js';
import { signedEvent, testIdentity } from '../support/events.js';

const event = signedEvent(testIdentity(1), { content: 'ünïcode' });
/** What a check takes. */
const checkMs = 2;

describe('the check of single events on the main thread', () => {
  let nowMs: number;
  let isValid: boolean;
  let prompt: PromptCheck;

  beforeEach(() => {
    nowMs = 0;
    isValid = true;
    const signatures = {
      name: 'of a test',
      isValid: () => {
        nowMs += checkMs;
        return isValid;
      },
    };
    prompt = createPromptCheck({ monotonic: () => nowMs }, signatures);
  });

  const checksUntilRefused = () => {
    let count = 0;
    while (prompt.check(event) !== undefined) count += 1;
    return count;
  };

  it('has the verdict and the body of the event', () => {
    expect(prompt.check(event)).toEqual({ verdicts: ['valid'], bodies: [Buffer.from(encodeBody(event))] });
    isValid = false;
    expect(prompt.check(event)?.verdicts).toEqual(['wrong-signature']);
    expect(prompt.check({ ...event, content: 'changed' })?.verdicts).toEqual(['wrong-id']);
  });

  it('checks until its share of the time is used up, and no more', () => {
    const count = checksUntilRefused();
    // The last one may take more than was left of it.
    expect(count).toBeGreaterThanOrEqual(limits.promptCheckMsAtOnce / checkMs);
    expect(count).toBeLessThanOrEqual(limits.promptCheckMsAtOnce / checkMs + 2);
  });

  it('goes on when as much time has passed as it may take its share of', () => {
    checksUntilRefused();
    nowMs += (60_000 / limits.promptCheckMsPerMinute) * checkMs;
    expect(prompt.check(event)).toBeDefined();
    const beganMs = nowMs;
    let count = 0;
    while (nowMs - beganMs < 60_000) {
      if (prompt.check(event) === undefined) nowMs += 1;
      else count += 1;
    }
    const share = (count * checkMs) / limits.promptCheckMsPerMinute;
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(1.1);
  });
});
